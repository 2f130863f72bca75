package drive

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"

	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// recorded is what a run has seen in virtual time.
type recorded struct {
	events  []*trace.Event
	skipped []Skipped
	env     *rules.Env
	over    error
}

// mockPlan is for a mock server that knows all fates, gives hints when to poll
// again and makes images of more bytes than a double can count.
func mockPlan(tb testing.TB) Plan {
	huge := mockserver.Running(10 * time.Minute).Named("huge").PollEvery(5).SucceedWith(&clouddesktop.DesktopImage{StorageSize: 1<<53 + 1})
	srv := mockserver.New(tb, mockserver.Token("a token"), mockserver.Scenarios(huge))
	dial := srv.Client().Transport.(*http.Transport).DialContext
	return Plan{
		Endpoint: Endpoint{
			URL:   &url.URL{Scheme: "http", Host: "optest.invalid"},
			Dial:  func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", "") },
			Token: "a token",
		},
		Desktops:  rules.Desktops{Succeeds: "huge", Fails: "quota-exceeded", FailsLate: "early-error", Absent: "no-such-desktop"},
		Folder:    "b1gexample0000000000",
		Auth:      true,
		Foreign:   "fv4somebodyelses0000",
		Protocols: Protocols,
		Seed:      1,
	}
}

// playing runs what act does in a world in virtual time.
func playing(t *testing.T, plan func(testing.TB) Plan, act func(context.Context, *World) []Skipped) recorded {
	t.Helper()
	var r recorded
	synctest.Test(t, func(t *testing.T) {
		p := plan(t)
		recorder := NewRecorder(func(e *trace.Event) { r.events = append(r.events, e) })
		w := Open(p, recorder)
		defer w.Close()
		r.skipped = act(t.Context(), w)
		r.over = w.Over()
		sees := []optestv1.TraceHeader_Sight{
			optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA,
			optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES, optestv1.TraceHeader_ALL_WRITERS,
		}
		r.env = &rules.Env{
			Header:   &optestv1.TraceHeader{Observer: optestv1.TraceHeader_CLIENT, Clock: optestv1.TraceHeader_VIRTUAL, Sees: sees},
			Contract: rules.Guide, World: true, Bound: 24 * time.Hour,
			Desktops: p.Desktops, Folder: p.Folder, Auth: p.Auth, Foreign: p.Foreign,
		}
	})
	return r
}

func TestScriptsExerciseTheRulesTheyName(t *testing.T) {
	for _, sc := range Scripts() {
		t.Run(sc.Name, func(t *testing.T) {
			r := playing(t, mockPlan, func(ctx context.Context, w *World) []Skipped { return w.Play(ctx, []*Script{sc}) })
			if len(r.skipped) > 0 || r.over != nil {
				t.Fatalf("skipped %v, over %v, want all of it played", r.skipped, r.over)
			}
			for _, one := range rules.Check(r.env, rules.All(), r.events) {
				if slices.Contains(sc.Exercises, one.Rule.ID) && one.Exercised == 0 {
					t.Errorf("rule %s %v, want it exercised: %s", one.Rule.ID, one.Verdict, one.Rule.Exercise)
				}
				if one.Verdict == rules.Fail || one.Verdict == rules.Warned {
					t.Errorf("rule %s %v, want no healthy server accused: %s", one.Rule.ID, one.Verdict, one.Findings[0].Text)
				}
			}
		})
	}
}

func TestScriptsNameRulesThatThereAre(t *testing.T) {
	for _, sc := range Scripts() {
		for i, id := range sc.Exercises {
			if rules.Find(id) == nil {
				t.Errorf("script %s names rule %q, want one of the table", sc.Name, id)
			}
			if slices.Contains(sc.Exercises[:i], id) {
				t.Errorf("script %s names rule %q twice", sc.Name, id)
			}
		}
		if sc.least > sc.creates {
			t.Errorf("script %s makes at least %d images and at most %d", sc.Name, sc.least, sc.creates)
		}
	}
}

func TestScriptsExerciseEveryRule(t *testing.T) {
	r := playing(t, mockPlan, func(ctx context.Context, w *World) []Skipped { return w.Play(ctx, Scripts()) })
	if len(r.skipped) > 0 || r.over != nil {
		t.Fatalf("skipped %v, over %v, want all of it played", r.skipped, r.over)
	}
	for _, one := range rules.Check(r.env, rules.All(), r.events) {
		if one.Exercised == 0 {
			t.Errorf("rule %s %v, want it exercised: %s", one.Rule.ID, one.Verdict, one.Rule.Exercise)
		}
	}
}

func TestScriptsAreTheSameInEveryRun(t *testing.T) {
	play := func() []*trace.Event {
		return playing(t, mockPlan, func(ctx context.Context, w *World) []Skipped { return w.Play(ctx, Scripts()[:6]) }).events
	}
	a, b := play(), play()
	if len(a) != len(b) {
		t.Fatalf("events %d and %d, want as many", len(a), len(b))
	}
}
