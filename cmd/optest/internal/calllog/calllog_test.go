package calllog_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/cmd/optest/internal/calllog"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/mockserver"
)

// answered is a call that has taken so long by the server's clock and has just
// ended.
func answered(took time.Duration) mockserver.Call {
	now := time.Now()
	return mockserver.Call{
		Number:    7,
		Begin:     now.Add(-took),
		End:       now,
		Method:    "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop",
		Protocol:  "grpc",
		Peer:      "127.0.0.1:50000",
		Header:    http.Header{"Authorization": {"Bearer hushhush"}},
		Operation: "opr00000000000000001",
		Scenario:  "early-error",
		Step:      "failing@20s",
	}
}

func TestText(t *testing.T) {
	for _, tt := range []struct {
		name   string
		speed  float64
		colour bool
		change func(*mockserver.Call)
		want   string
	}{
		{
			name: "answered", speed: 1,
			want: "00:00:00.996 grpc     DesktopImage.CopyFromDesktop opr00000000000000001 OK  early-error failing@20s  4ms\n",
		},
		{
			name: "failed by a fault", speed: 1,
			change: func(c *mockserver.Call) {
				c.Code, c.Message, c.Faults = codes.Unavailable, "restarting", []mockserver.AppliedFault{{Name: "burst"}, {Name: "late"}}
			},
			want: "00:00:00.996 grpc     DesktopImage.CopyFromDesktop opr00000000000000001 UNAVAILABLE  early-error failing@20s  fault burst, late  4ms  restarting\n",
		},
		{
			name: "about nothing", speed: 1,
			change: func(c *mockserver.Call) {
				c.Method, c.Operation, c.Scenario, c.Step, c.Code = "strange", "", "", "", codes.Code(99)
			},
			want: "00:00:00.996 grpc     strange                      -                    Code(99)  4ms\n",
		},
		{
			name: "fast clock", speed: 10,
			want: "00:00:00.999 +1s        grpc     DesktopImage.CopyFromDesktop opr00000000000000001 OK  early-error failing@20s  400µs\n",
		},
		{
			name: "colours", speed: 1, colour: true,
			want: "\x1b[2m00:00:00.996\x1b[0m grpc     DesktopImage.CopyFromDesktop opr00000000000000001 \x1b[32mOK\x1b[0m  early-error failing@20s  \x1b[2m4ms\x1b[0m\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				log := calllog.New(&out, calllog.Text(terminal.Output{Colour: tt.colour}), tt.speed)
				time.Sleep(time.Second) // of the bubble's time
				c := answered(4 * time.Millisecond)
				if tt.change != nil {
					tt.change(&c)
				}
				log.Observe(c)
				got := out.String()
				if tt.want != got {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
			})
		})
	}
}

func TestJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := calllog.New(&out, calllog.JSON(), 10)
		time.Sleep(time.Second) // of the bubble's time
		c := answered(4 * time.Millisecond)
		c.Code, c.Message, c.Faults = codes.NotFound, "gone", []mockserver.AppliedFault{{Name: "early-not-found"}}
		log.Observe(c)
		const want = `{"time":"2000-01-01T00:00:00.9996Z","server_time":"2000-01-01T00:00:00.996Z","number":7,"protocol":"grpc",` +
			`"method":"yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop","peer":"127.0.0.1:50000",` +
			`"operation":"opr00000000000000001","code":"NOT_FOUND","message":"gone","scenario":"early-error","step":"failing@20s",` +
			`"faults":["early-not-found"],"duration_ms":0.4}` + "\n"
		if out.String() != want {
			t.Errorf("got  %swant %s", out.String(), want)
		}
	})
}

// A clock that has run beyond what JSON can say costs a line its content, not
// the program its life.
func TestJSONBeyondTime(t *testing.T) {
	var out strings.Builder
	c := answered(0)
	c.Begin = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	c.End = c.Begin
	calllog.New(&out, calllog.JSON(), 2).Observe(c)
	if !json.Valid([]byte(out.String())) || !strings.Contains(out.String(), "9999") {
		t.Errorf("got %q, want an object that says why", out.String())
	}
}

// Whatever a client sends, a call is one line, of bounded length, without
// control characters and without its headers.
func TestOneLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a\n\r\x1b/."]{0,20}`), rapid.Just(strings.Repeat("ab\n", 1000)))
		c := answered(time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "took")))
		c.Method, c.Message = text.Draw(t, "method"), text.Draw(t, "message")
		c.Operation, c.Protocol = text.Draw(t, "operation"), text.Draw(t, "protocol")
		c.Faults = []mockserver.AppliedFault{{Name: text.Draw(t, "fault")}}
		c.Code = codes.Code(rapid.Uint32Range(0, 20).Draw(t, "code"))
		for name, format := range map[string]calllog.Format{"text": calllog.Text(terminal.Output{}), "json": calllog.JSON()} {
			var out strings.Builder
			calllog.New(&out, format, 1).Observe(c)
			line, ok := strings.CutSuffix(out.String(), "\n")
			switch {
			case !ok || strings.ContainsAny(line, "\n\r\x1b\x00"):
				t.Fatalf("%s: %q, want one line without control characters", name, out.String())
			case len([]rune(line)) > 5000:
				t.Fatalf("%s: %d characters", name, len([]rune(line)))
			case strings.Contains(line, "hushhush"):
				t.Fatalf("%s: a secret: %q", name, line)
			case name == "json" && !json.Valid([]byte(line)):
				t.Fatalf("not JSON: %q", line)
			}
		}
	})
}

func TestConcurrentCallsDoNotMix(t *testing.T) {
	out := &pieces{}
	log := calllog.New(out, calllog.JSON(), 1)
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() { log.Observe(answered(time.Millisecond)) })
	}
	calls.Wait()
	if len(out.list) != 50 {
		t.Fatalf("%d writes, want 50", len(out.list))
	}
	for _, line := range out.list {
		if !json.Valid(line) {
			t.Errorf("%q is no object", line)
		}
	}
}

// pieces keeps each Write. It has no lock: the log must not write at once.
type pieces struct{ list [][]byte }

func (p *pieces) Write(b []byte) (int, error) {
	p.list = append(p.list, append([]byte{}, b...))
	return len(b), nil
}
