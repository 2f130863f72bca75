package mockserver

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func desktop(id string) *clouddesktop.CopyFromDesktopRequest {
	return &clouddesktop.CopyFromDesktopRequest{DesktopId: id}
}

// matching is a scenario for desktops by pattern.
func matching(name, pattern string) *optestv1.Scenario {
	s := NeverDone().Named(name).Forever()
	s.Match = &optestv1.Match{Fields: map[string]string{"desktop_id": pattern}}
	return s
}

// playedInTurn names the scenarios of calls for these desktops.
func playedInTurn(t *testing.T, s *Server, desktops ...string) string {
	t.Helper()
	var names []string
	for _, id := range desktops {
		names = append(names, played(t, s, desktop(id)))
	}
	return strings.Join(names, " ")
}

func replace(t *testing.T, s *Server, scenarios ...*optestv1.Scenario) {
	t.Helper()
	if err := s.Replace(scenarios...); err != nil {
		t.Fatal(err)
	}
}

func TestReplaceLeavesOperationsTheirLife(t *testing.T) {
	s := New(t, Scenarios(Running(time.Hour).Named("mine").Fail(codes.Aborted, "")))
	op, err := copyFromDesktop(t.Context(), s, desktop("mine"))
	if err != nil {
		t.Fatal(err)
	}
	replace(t, s, Running(time.Minute).Named("mine").Succeed())
	next, err := copyFromDesktop(t.Context(), s, desktop("mine"))
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Minute)
	if got, err := getOperation(t.Context(), s, op.GetId()); err != nil || got.GetDone() {
		t.Errorf("got %v, %v, want the first operation to be running still", got, err)
	}
	if got, err := getOperation(t.Context(), s, next.GetId()); err != nil || got.GetResponse() == nil {
		t.Errorf("got %v, %v, want the second operation to have succeeded", got, err)
	}
	s.Advance(time.Hour)
	if got, err := getOperation(t.Context(), s, op.GetId()); err != nil || got.GetError().GetCode() != int32(codes.Aborted) {
		t.Errorf("got %v, %v, want the first operation to have failed", got, err)
	}
}

func TestReplace(t *testing.T) {
	never := func(name string) *optestv1.Scenario { return NeverDone().Named(name).Forever() }
	s := New(t, Scenarios(never("a"), never("b"), matching("m", "m*"), matching("any", "*-any")))
	if got := playedInTurn(t, s, "a", "b", "m1", "x-any"); got != "a b m any" {
		t.Fatalf("got %s", got)
	}
	replace(t, s, never("b"), never("c"), matching("m", "n*"))
	if got, want := playedInTurn(t, s, "a", "b", "c", "m1", "n1", "x-any", "instant"), "none b c none m none instant"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Of several for one call, the latest, as at the start.
	replace(t, s, matching("one", "d*"), matching("two", "*d"))
	if got, want := playedInTurn(t, s, "d", "dx", "b"), "two one none"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// What takes the name of a scenario of the catalogue gives it back.
	replace(t, s, matching("instant", "never"))
	before := playedInTurn(t, s, "instant")
	replace(t, s)
	if after := playedInTurn(t, s, "instant", "d"); before != "none" || after != "instant none" {
		t.Errorf("got %s, then %s, want none, then instant none", before, after)
	}
}

func TestReplaceLeavesWhatWasAddedSince(t *testing.T) {
	s := New(t, Scenarios(matching("given", "*"), NeverDone().Named("mine").Forever()))
	s.Play(matching("played", "p*"))
	session := s.root.Load()
	own, err := newPlaying(matching("mine", "own"))
	if err != nil {
		t.Fatal(err)
	}
	session.repertoire.add(own) // as a client does
	s.Script(Running(0).Named("scripted").Succeed())

	replace(t, s, matching("given", "*"), NeverDone().Named("mine").Forever(), matching("late", "*"))
	if got, want := playedInTurn(t, s, "x", "p", "own", "x"), "scripted played mine late"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReplaceDefault(t *testing.T) {
	never := func(name string) *optestv1.Scenario { return NeverDone().Named(name).Forever() }
	t.Run("by its name", func(t *testing.T) {
		s := New(t, Scenarios(never("mine")), Default(never("mine")))
		replace(t, s, Running(0).Named("mine").Succeed())
		if op, err := copyFromDesktop(t.Context(), s, desktop("x")); err != nil || !op.GetDone() {
			t.Errorf("got %v, %v, want the new default", op, err)
		}
	})
	t.Run("that matches", func(t *testing.T) {
		s := New(t, Scenarios(matching("mine", "a*")), Default(matching("mine", "a*")))
		for _, pattern := range []string{"b*", "c*"} {
			replace(t, s, matching("mine", pattern))
		}
		if got := playedInTurn(t, s, "a", "b", "c"); got != "none none mine" {
			t.Errorf("got %s, want the latest pattern only", got)
		}
		replace(t, s, never("mine"))
		if got := playedInTurn(t, s, "x", "c"); got != "mine mine" {
			t.Errorf("got %s, want it to be the default for all", got)
		}
	})
	t.Run("of another name", func(t *testing.T) {
		s := New(t, Scenarios(never("mine")), Default(Running(0).Succeed()))
		replace(t, s)
		if op, err := copyFromDesktop(t.Context(), s, desktop("x")); err != nil || !op.GetDone() {
			t.Errorf("got %v, %v, want the same default", op, err)
		}
	})
	t.Run("that has gone back to the catalogue", func(t *testing.T) {
		s := New(t, Scenarios(never("instant")), Default(never("instant")))
		replace(t, s)
		if op, err := copyFromDesktop(t.Context(), s, desktop("x")); err != nil || !op.GetDone() {
			t.Errorf("got %v, %v, want that of the catalogue", op, err)
		}
	})
	t.Run("that is gone", func(t *testing.T) {
		s := New(t, Scenarios(never("mine")), Default(never("mine")))
		const want = `optest: the default scenario "mine" is not among the new ones, want it there`
		if err := s.Replace(never("other")); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		if got := playedInTurn(t, s, "x", "other", "mine"); got != "mine mine mine" {
			t.Errorf("got %s, want nothing replaced", got)
		}
	})
	t.Run("that a client has changed", func(t *testing.T) {
		s := New(t, Scenarios(never("mine")), Default(never("mine")))
		s.Play(never("played"))
		replace(t, s, Running(0).Named("mine").Succeed())
		if got := playedInTurn(t, s, "x"); got != "played" {
			t.Errorf("got %s, want what was played since", got)
		}
	})
}

func TestReplaceSaysAllThatIsWrong(t *testing.T) {
	s := New(t, Scenarios(NeverDone().Named("mine").Forever()))
	err := s.Replace(&optestv1.Scenario{Name: "one"}, Running(0).Named("right").Succeed(), &optestv1.Scenario{Name: "two"})
	if err == nil || !strings.Contains(err.Error(), `"one"`) || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("got %v, want both", err)
	}
	if got := playedInTurn(t, s, "mine", "right"); got != "mine none" {
		t.Errorf("got %s, want nothing replaced", got)
	}
}

func TestReplaceKeepsCounters(t *testing.T) {
	second := matching("second", "*")
	second.Match.Calls = &optestv1.Range{From: 2, To: 2}
	other := matching("other", "o*")
	s := New(t, Scenarios(second, other))
	first := playedInTurn(t, s, "x")
	replace(t, s, second, matching("other", "p*"))
	if got := first + " " + playedInTurn(t, s, "x", "x"); got != "none second none" {
		t.Errorf("got %s, want the second call alone", got)
	}
}

func TestReplaceInAllSessions(t *testing.T) {
	s := New(t, Scenarios(NeverDone().Named("mine").Forever()))
	open := []string{HeaderSession, "open"}
	if got := played(t, s, desktop("mine"), open...); got != "mine" {
		t.Fatalf("got %s", got)
	}
	replace(t, s, NeverDone().Named("yours").Forever())
	for _, session := range [][]string{open, {HeaderSession, "new"}, nil} {
		if got := played(t, s, desktop("mine"), session...) + " " + played(t, s, desktop("yours"), session...); got != "none yours" {
			t.Errorf("session %v: got %s, want none yours", session, got)
		}
	}
	s.Reset()
	if got := playedInTurn(t, s, "mine", "yours"); got != "none yours" {
		t.Errorf("after Reset: got %s, want none yours", got)
	}
}

// The caller's messages are its own.
func TestReplaceTakesCopies(t *testing.T) {
	s := New(t)
	mine := NeverDone().Named("mine").Forever()
	replace(t, s, mine)
	mine.Name = "changed"
	if got := played(t, s, desktop("mine"), HeaderSession, "new"); got != "mine" {
		t.Errorf("got %s, want mine", got)
	}
}

func TestReplaceConcurrently(t *testing.T) {
	s := New(t, Scenarios(NeverDone().Named("mine").Forever()))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 20 {
				if err := s.Replace(Running(time.Duration(n) * time.Second).Named("mine").Succeed()); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			ctx := metadata.AppendToOutgoingContext(t.Context(), HeaderSession, strings.Repeat("s", i+1))
			for range 20 {
				if _, err := copyFromDesktop(ctx, s, desktop("mine")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			s.Reset()
		}
	})
	wg.Wait()
}
