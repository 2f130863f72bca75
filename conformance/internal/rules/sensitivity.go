package rules

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/optest-dev/optest/trace"
)

// Sensitivity tells of places in a recorded trace where a rule was broken on
// purpose, in how many of them it was noticed. A rule that was exercised and
// notices nothing says little of the server: the trace lacks the calls that would
// have shown it.
type Sensitivity struct {
	Noticed int
	// Places is where it was tried. 0: the trace has no place where the rule can be
	// broken.
	Places int
	// Missed are some of the places where it was not noticed.
	Missed []string
}

// Bounds of how long it takes to measure, whatever the trace.
const (
	// senseRepeats is how many answers with the same bytes about one operation are
	// looked at. More of them are more of the same, and what compares each with each
	// would take the square of their number.
	senseRepeats = 12
	// senseEvents is how long a trace may be. Of a longer one the first part counts.
	senseEvents = 20_000
	// senseWork is how many events a rule may be held against where looking at a part
	// of the trace does not do. Beyond it, fewer places are tried.
	senseWork = 200_000
	maxMissed = 3
)

// Sense breaks each rule in up to so many places of the trace, which are drawn by
// the seed, and looks whether the rule notices. It does so for the rules that were
// exercised and have found nothing: one that has found something has shown that it
// notices. The result is by rule id.
func Sense(env *Env, events []*trace.Event, results []Result, seed uint64, places int) map[string]Sensitivity {
	var list []*Rule
	for _, r := range results {
		if r.Rule.Corrupt != nil && r.Exercised > 0 && r.Errors+r.Warnings == 0 {
			list = append(list, r.Rule)
		}
	}
	if len(list) == 0 {
		return nil
	}
	s := newSense(env, events, list)
	sensed := make(map[string]Sensitivity, len(list))
	for i, r := range list {
		id := fnv.New64a()
		id.Write([]byte(r.ID))
		// Each rule draws for itself: what it comes to does not depend on the others.
		sensed[r.ID] = s.rule(r, s.before[i], rand.New(rand.NewPCG(seed, id.Sum64())), places)
	}
	return sensed
}

// sense is a trace with what was known of it before it was broken.
type sense struct {
	decoder *decoder
	tape    *Tape
	before  []weight // of each rule over the whole tape
	// subjects are what each event is about, about the places of those that are about
	// one thing.
	subjects []subjects
	about    map[string][]int
	place    map[*trace.Event]int
}

// subjects are the operation and the image that a call is about, empty without.
type subjects struct{ op, image string }

// weight is how much a rule has found.
type weight struct{ errors, warnings, unsure int }

func (w weight) more(than weight) bool {
	return w.errors > than.errors || w.warnings > than.warnings || w.unsure > than.unsure
}

func newSense(env *Env, events []*trace.Event, list []*Rule) *sense {
	s := &sense{decoder: newDecoder(), about: map[string][]int{}, place: map[*trace.Event]int{}}
	sorted := InOrder(events)
	sorted = thinned(s.decoder, sorted[:min(len(sorted), senseEvents)])
	s.tape = newTape(env, s.decoder, sorted)
	for i, seen := range s.tape.seen {
		about := subjectsOf(seen)
		s.subjects = append(s.subjects, about)
		for _, id := range []string{about.op, about.image} {
			if id != "" {
				s.about[id] = append(s.about[id], i)
			}
		}
		s.place[seen.Event] = i
	}
	for _, r := range list {
		s.before = append(s.before, s.weigh(r, sorted))
	}
	return s
}

// subjectsOf is what a call is about. The image of an operation that makes one is
// known by its metadata.
func subjectsOf(s *Seen) subjects {
	about := subjects{operationOf(s), imageOf(s.Request)}
	if s.Answer != nil && about.image == "" {
		about.image = s.Answer.ImageID()
	}
	return about
}

// thinned leaves out the middle of many answers with the same bytes about one
// operation.
func thinned(d *decoder, events []*trace.Event) []*trace.Event {
	type answer struct {
		op   string
		blob *trace.Blob
	}
	total, seen := map[answer]int{}, map[answer]int{}
	key := func(e *trace.Event) (answer, bool) {
		if e.Method != MethodGet || e.Response == nil {
			return answer{}, false
		}
		return answer{operationOf(d.see(e)), e.Response}, true
	}
	for _, e := range events {
		if k, ok := key(e); ok {
			total[k]++
		}
	}
	kept := make([]*trace.Event, 0, len(events))
	for _, e := range events {
		if k, ok := key(e); ok {
			n := seen[k]
			seen[k]++
			if n >= senseRepeats/2 && n < total[k]-senseRepeats/2 {
				continue
			}
		}
		kept = append(kept, e)
	}
	return kept
}

// weigh holds events, which are in order, against one rule.
func (s *sense) weigh(r *Rule, events []*trace.Event) weight {
	c := NewChecker(s.tape.Env, []*Rule{r})
	c.decoder = s.decoder
	for _, e := range events {
		c.Observe(e)
	}
	sink := c.running[0].sink
	c.End()
	return weight{sink.errors, sink.warnings, sink.unsure}
}

func (s *sense) rule(r *Rule, before weight, draw *rand.Rand, places int) Sensitivity {
	var result Sensitivity
	work := 0
	for range places {
		broken := s.tape.Copy()
		where, ok := r.Corrupt(broken, draw)
		if !ok {
			continue
		}
		if work > senseWork {
			break
		}
		result.Places++
		noticed := false
		if part, as := s.part(broken.Events); part != nil {
			// A part shows less than the whole. What it shows already unbroken, because
			// something is missing, does not count.
			noticed = s.weigh(r, part).more(s.weigh(r, as))
			work += 2 * len(part)
		}
		if !noticed {
			noticed = s.weigh(r, InOrder(broken.Events)).more(before)
			work += len(broken.Events)
		}
		if noticed {
			result.Noticed++
		} else if len(result.Missed) < maxMissed && !slices.Contains(result.Missed, where) {
			result.Missed = append(result.Missed, where)
		}
	}
	return result
}

// part is what of a broken trace is about the same operations and images as the
// events that differ, and the same events as they were. Both are nil where that is
// not much less than the whole.
func (s *sense) part(events []*trace.Event) (broken, as []*trace.Event) {
	var changed []*trace.Event
	concerned, whole := map[string]bool{}, map[int]bool{}
	note := func(about subjects) {
		concerned[about.op], concerned[about.image] = true, true
	}
	kept := 0
	for i, e := range events {
		if i < len(s.tape.Events) && s.tape.Events[i] == e {
			kept++
			continue
		}
		if _, ok := s.place[e]; ok {
			kept++ // it has moved, as others were put in before it or taken out
			continue
		}
		changed = append(changed, e)
		note(subjectsOf(s.decoder.see(e)))
		if i < len(s.subjects) {
			note(s.subjects[i])
			whole[i] = true // what it was
		}
	}
	if kept+len(changed) < len(s.tape.Events) {
		return nil, nil // some are gone: what they were about is not looked for
	}
	delete(concerned, "")
	for id := range concerned {
		for _, i := range s.about[id] {
			whole[i] = true
		}
	}
	if len(whole) > len(s.tape.Events)/2 {
		return nil, nil
	}
	for _, e := range events {
		i, known := s.place[e]
		if !known || whole[i] {
			broken = append(broken, e)
		}
	}
	for i, e := range s.tape.Events {
		if whole[i] {
			as = append(as, e)
		}
	}
	return InOrder(broken), as
}
