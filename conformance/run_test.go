package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/mockserver"
)

// failing is a test that may fail.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (f *failing) Fatal(args ...any) {
	f.text = fmt.Sprint(args...)
	runtime.Goexit()
}

func TestSocketsNeedRealTime(t *testing.T) {
	c, err := newConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		target Target
		want   string
	}{
		{"a URL only", Target{URL: "http://127.0.0.1:8080"}, "RealTime"},
		{"nothing", Target{}, "RealTime"},
		{"a bad URL", Target{URL: "not a URL", Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("unused") }}, "scheme and host only"},
	} {
		f := &failing{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.bubble(f, func(testing.TB) Target { return test.target })
		}()
		<-done
		if !strings.Contains(f.text, test.want) {
			t.Errorf("%s: %q, want a failure with %q", test.name, f.text, test.want)
		}
	}
}

func TestSocketBehindDialIsRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := newConfig([]Option{Protocols(REST)})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s := c.bubble(t, func(testing.TB) Target {
			return Target{Dial: func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
			}}
		})
		s.open(nil)
		defer s.close()
		s.play(t.Context())
		if !strings.Contains(s.found.Unfit, "RealTime") {
			t.Errorf("server unfit because %q, want it said that sockets need RealTime", s.found.Unfit)
		}
	})
}

func TestRunInRealTime(t *testing.T) {
	r := Run(t, func(tb testing.TB) Target {
		srv := mockserver.New(tb, mockserver.Listen("127.0.0.1:0"), mockserver.Speed(3000))
		return Target{
			URL: srv.URL(), Folder: "b1gexample0000000000",
			Desktops: Desktops{Succeeds: "slow-success", Fails: "quota-exceeded", FailsLate: "early-error", Absent: "no-such-desktop"},
		}
	}, RealTime(), Within(Budget{Requests: 250, Rate: 200, Time: 20 * time.Second}), Rules("OP-*", "LRO-0[1-5]", "REQ-0[1-3]"))
	if r.Verdict != Partial {
		t.Errorf("report %v, want %v: most was left out", r, Partial)
	}
	if r.Used.Requests < 200 || r.Rule("OP-08").Verdict != Passed {
		t.Errorf("requests %d and rule OP-08 %v, want the budget used and the rule passed", r.Used.Requests, r.Rule("OP-08").Verdict)
	}
}

func TestReportSaysItInEveryForm(t *testing.T) {
	c, err := newConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	var s *session
	synctest.Test(t, func(t *testing.T) {
		s = c.bubble(t, playing(func() string { return "done-without-result" }))
		s.open(nil)
		defer s.close()
		s.found = s.world.Probe(t.Context())
		s.skipped = s.world.Play(t.Context(), drive.Scripts()[:1])
	})
	r := s.report()
	if r.Verdict != NotConformant || r.Rule("OP-08").Verdict != Failed || r.Rule("NONE-01") != nil {
		t.Fatalf("report %v, want OP-08 broken", r)
	}
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "OP-08") {
		t.Errorf("error %v, want one that names OP-08", err)
	}
	for form, write := range map[string]func(*strings.Builder) error{
		"text":  func(b *strings.Builder) error { return r.WriteText(b) },
		"JSON":  func(b *strings.Builder) error { return r.WriteJSON(b) },
		"JUnit": func(b *strings.Builder) error { return r.WriteJUnit(b) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil || !strings.Contains(b.String(), "OP-08") {
			t.Errorf("%s: %v with %d bytes, want OP-08 named", form, err, b.Len())
		}
	}
	story := r.Rule("OP-08").story()
	for _, want := range []string{"OP-08", r.Rule("OP-08").Quote, "FAIL"} {
		if !strings.Contains(story, want) {
			t.Errorf("story %q, want %q in it", story, want)
		}
	}
}
