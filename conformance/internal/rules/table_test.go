package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/optest-dev/optest/trace"
)

// eyes decode each event once, however often it is checked.
type eyes struct {
	*decoder
	seen map[*trace.Event]Seen
}

func newEyes() *eyes { return &eyes{decoder: newDecoder(), seen: map[*trace.Event]Seen{}} }

func (d *eyes) look(e *trace.Event) *Seen {
	s, ok := d.seen[e]
	if !ok {
		s = *d.see(e)
		d.seen[e] = s
	}
	return &s
}

// check is Check.
func (d *eyes) check(env *Env, list []*Rule, events []*trace.Event) []Result {
	c := NewChecker(env, list)
	for _, e := range InOrder(events) {
		c.observe(d.look(e))
	}
	return c.End()
}

func describe(r Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, exercised %d, %d errors, %d warnings", r.Rule.ID, r.Verdict, r.Exercised, r.Errors, r.Warnings)
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n\t%s", f.Text)
	}
	return b.String()
}

func TestHealthyTraceBreaksNoRule(t *testing.T) {
	env, events := healthy(t)
	t.Logf("%d events", len(events))
	for _, eventual := range []time.Duration{0, 5 * time.Second} {
		env.Window = eventual
		for _, r := range Check(env, All(), events) {
			if r.Verdict == Fail || r.Verdict == Warned || r.Verdict == Inconclusive {
				t.Errorf("with a window of %s: %s", eventual, describe(r))
			}
		}
	}
}

func TestCorruptionsAreNoticed(t *testing.T) {
	env, events := healthy(t)
	d := newEyes()
	tape := newTape(env, d.decoder, InOrder(events))
	var idle []string
	for _, r := range All() {
		before := d.check(env, []*Rule{r}, events)[0]
		if before.Verdict == NotExercised {
			idle = append(idle, r.ID)
		}
		if r.Corrupt == nil || before.Exercised == 0 {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			const tries, bar = 40, 38 // 95 %
			noticed := 0
			for seed := range uint64(tries) {
				broken := tape.Copy()
				where, ok := r.Corrupt(broken, rand.New(rand.NewPCG(seed, 0)))
				if !ok {
					t.Fatalf("seed %d: no place to break the rule, although it was exercised %d times", seed, before.Exercised)
				}
				if after := d.check(env, []*Rule{r}, broken.Events)[0]; after.Verdict > Pass || after.Verdict == Inconclusive {
					noticed++
				} else {
					t.Logf("seed %d: not noticed at %s: %s", seed, where, describe(after))
				}
			}
			if noticed < bar {
				t.Errorf("noticed %d of %d, want %d", noticed, tries, bar)
			}
		})
	}
	t.Logf("not exercised by the healthy trace: %s", strings.Join(idle, " "))
}

// fingerprint is what must not differ between two ways to come to a result.
func fingerprint(r Result) string {
	texts := []string{}
	for _, f := range r.Findings {
		texts = append(texts, f.Text)
	}
	return fmt.Sprint(r.Rule.ID, r.Verdict, r.Reason, r.Exercised, r.More, r.Errors, r.Warnings, texts)
}

// brokenTapes are the healthy trace, to be judged by all rules, and for each rule a
// version of it that breaks the rule, to be judged by that one.
func brokenTapes(d *eyes, env *Env, events []*trace.Event, each func(name string, list []*Rule, events []*trace.Event)) {
	each("healthy", All(), events)
	tape := newTape(env, d.decoder, InOrder(events))
	for _, r := range All() {
		if r.Corrupt == nil {
			continue
		}
		broken := tape.Copy()
		if where, ok := r.Corrupt(broken, rand.New(rand.NewPCG(1, 2))); ok {
			each(r.ID+" broken at "+where, []*Rule{r}, broken.Events)
		}
	}
}

func TestOneByOneEqualsWhole(t *testing.T) {
	env, events := healthy(t)
	d := newEyes()
	brokenTapes(d, env, events, func(name string, list []*Rule, events []*trace.Event) {
		backwards := slices.Clone(events)
		slices.Reverse(backwards)
		whole := Check(env, list, backwards)
		for i, r := range d.check(env, list, events) {
			if got, want := fingerprint(r), fingerprint(whole[i]); got != want {
				t.Errorf("%s: one by one %s\nwant as the whole %s", name, got, want)
			}
		}
	})
}

// ofOneOperation are the rules that look at one operation, or one message, at a
// time.
func ofOneOperation(id string) bool {
	group, number, _ := strings.Cut(id, "-")
	switch group {
	case "OP":
		return true
	case "IMG":
		return number <= "09"
	case "LRO":
		return number != "13" && number != "14" && number != "19"
	}
	return slices.Contains([]string{"CXL-01", "CXL-03", "XP-01", "XP-02", "XP-05"}, id)
}

// Operations are independent: what is said of one must not hang on when the calls
// about others were.
func TestOrderOfOtherOperationsIsOfNoMatter(t *testing.T) {
	env, events := healthy(t)
	d := newEyes()
	draw := rand.New(rand.NewPCG(7, 7))
	brokenTapes(d, env, events, func(name string, list []*Rule, events []*trace.Event) {
		list = slices.DeleteFunc(list, func(r *Rule) bool { return r.World || !ofOneOperation(r.ID) })
		if len(list) == 0 {
			return
		}
		before := d.check(env, list, events)
		for i, r := range d.check(env, list, shifted(d, env, events, draw)) {
			was := before[i]
			if r.Verdict != was.Verdict || r.Exercised != was.Exercised || r.Errors != was.Errors || r.Warnings != was.Warnings {
				t.Errorf("%s: after shifting %s\nwant as before %s", name, describe(r), describe(was))
			}
		}
	})
}

// shifted moves all events about one operation, and about other operations on its
// image, by the same time, and those about another by another.
func shifted(d *eyes, env *Env, events []*trace.Event, draw *rand.Rand) []*trace.Event {
	c := NewChecker(env, nil)
	by := map[string]time.Duration{}
	group := func(s *Seen) string {
		if id := imageOf(s.Request); id != "" {
			return id
		}
		if s.Op == nil {
			return ""
		}
		if id := s.Op.ImageID(); id != "" {
			return id
		}
		return s.Op.ID
	}
	var moved []*trace.Event
	for _, e := range InOrder(events) {
		s := d.look(e)
		c.observe(s)
		s.Op = c.ops[operationOf(s)]
		g := group(s)
		shift, ok := by[g]
		if !ok {
			shift = time.Duration(draw.IntN(3600)) * time.Second
			by[g] = shift
		}
		at := *e
		at.Called += shift
		at.Returned += shift
		moved = append(moved, &at)
	}
	return moved
}
