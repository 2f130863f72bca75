package mockserver

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/internal/nearest"
)

// repertoire holds the scenarios in play and chooses one for a request:
//
//  1. the next of the script, if it matches;
//  2. a scenario whose `match` the request meets, the latest added first;
//  3. a scenario named by a required id field of the request;
//  4. the default.
//
// Methods that change a resource rather than create one go by 2 alone and
// otherwise play `instant`.
type repertoire struct {
	mu        sync.Mutex
	script    []*playing
	matched   []*playing          // the latest first
	index     *matchIndex         // of matched; nil since that has changed
	named     map[string]*playing // those that were added
	catalogue map[string]*playing // those that were asked for by name
	byDefault *playing
	instant   *playing // nil until it is asked for

	given        []*playing // those that the session has started with; see give
	givenDefault *playing
}

func newRepertoire() *repertoire {
	return &repertoire{named: map[string]*playing{}, catalogue: map[string]*playing{}}
}

// add puts scenarios in play, in the place of those that were added with the
// same names.
func (r *repertoire) add(scenarios ...*playing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range scenarios {
		if p.name() != "" {
			r.dropLocked(p.name())
			r.named[p.name()] = p
		}
		if p.match != nil {
			r.matched, r.index = slices.Insert(r.matched, 0, p), nil
		}
	}
}

// drop takes a scenario that was added out of play.
func (r *repertoire) drop(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropLocked(name)
}

func (r *repertoire) dropLocked(name string) bool {
	p, ok := r.named[name]
	if ok {
		delete(r.named, name)
		r.matched, r.index = slices.DeleteFunc(r.matched, func(other *playing) bool { return other == p }), nil
	}
	return ok
}

// added are the scenarios that were added, by name.
func (r *repertoire) added() []*playing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.named), func(a, b *playing) int { return cmp.Compare(a.name(), b.name()) })
}

// everything are all scenarios that have counters.
func (r *repertoire) everything() []*playing {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Concat(r.script, r.matched, slices.Collect(maps.Values(r.named)), slices.Collect(maps.Values(r.catalogue)))
	if r.byDefault != nil {
		all = append(all, r.byDefault)
	}
	return all
}

// play makes p the default, or, where it says which calls it is for, the first
// to be asked. Nil: there is no default any more.
func (r *repertoire) play(p *playing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p != nil && p.match != nil {
		r.matched, r.index = slices.Insert(r.matched, 0, p), nil
		return
	}
	r.byDefault = p
}

func (r *repertoire) enqueue(scenarios ...*playing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.script = append(r.script, scenarios...)
}

// sizes are how many scenarios wait in the script, and how many say what they
// match.
func (r *repertoire) sizes() (script, matching int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.script), len(r.matched)
}

func (r *repertoire) defaultScenario() *playing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byDefault
}

// namedBy returns the scenario that the request names in an id field, or nil.
func (r *repertoire) namedBy(m *method, request protoreflect.Message) *playing {
	if !m.creates {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, field := range m.cards {
		if p, err := r.byName(request.Get(field).String()); p != nil && err == nil {
			return p
		}
	}
	return nil
}

// choose returns the scenario that the request's operation lives by. Named
// reports that the request asked for it by name.
func (r *repertoire) choose(in incoming) (p *playing, named bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if in.method.creates && len(r.script) > 0 {
		if p := r.script[0]; p.match == nil || p.match.differences(in) == nil {
			r.script = r.script[1:]
			return p, false, nil
		}
	}
	if r.index == nil {
		r.index = newMatchIndex(r.matched)
	}
	for _, i := range r.index.candidates(in.request) {
		p := r.matched[i]
		if p.match.differences(in) == nil && p.match.counts(p.matched.Add(1)) {
			return p, false, nil
		}
	}
	if !in.method.creates {
		if r.instant == nil {
			r.instant, err = newPlaying(fixtures.Must("instant"))
		}
		return r.instant, false, err
	}
	for _, field := range in.method.cards {
		if p, err := r.byName(in.request.Get(field).String()); p != nil || err != nil {
			return p, true, err
		}
	}
	if r.byDefault != nil {
		return r.byDefault, false, nil
	}
	return nil, false, r.noScenario(in)
}

// byName returns the scenario of that name, of those added or of the catalogue,
// or nil. A scenario that says which calls it is for is not played by name.
func (r *repertoire) byName(name string) (*playing, error) {
	if p, ok := r.named[name]; ok {
		if p.match != nil {
			return nil, nil
		}
		return p, nil
	}
	if p, ok := r.catalogue[name]; ok {
		return p, nil
	}
	s, ok := fixtures.Get(name)
	if !ok {
		return nil, nil
	}
	p, err := newPlaying(s)
	if err != nil {
		return nil, err
	}
	r.catalogue[name] = p
	return p, nil
}

// noScenario says which scenarios come closest and what differs, so that it
// can't be taken for a scripted answer.
func (r *repertoire) noScenario(in incoming) error {
	var b strings.Builder
	fmt.Fprintf(&b, "no scenario for %s", in.method.name())
	for _, field := range in.method.cards {
		fmt.Fprintf(&b, " with %s %s", field.Name(), quoted(in.request.Get(field).String()))
	}
	for _, p := range r.matched[:min(3, len(r.matched))] {
		why := p.match.differences(in)
		if why == nil {
			why = []string{fmt.Sprintf("this is matching call %d, want %d to %d", p.matched.Load(), p.match.from, p.match.to)}
		}
		fmt.Fprintf(&b, "; not %q: %s", p.name(), strings.Join(why, ", "))
	}
	if len(in.method.cards) > 0 {
		field := in.method.cards[0]
		if near := r.closest(in.request.Get(field).String()); len(near) > 0 {
			fmt.Fprintf(&b, "; play one as the default, or give as %s the name of one, such as %s",
				field.Name(), strings.Join(near, ", "))
		}
	}
	return ownFailure(connect.CodeFailedPrecondition, ReasonNoScenario, b.String())
}

// closest returns up to three names of scenarios that the text may stand for, or
// any three.
func (r *repertoire) closest(text string) []string {
	names := fixtures.Names()
	for name, p := range r.named {
		if p.match == nil && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	near := nearest.Few(text, names, 3)
	if len(near) == 0 {
		near = names[:min(3, len(names))]
	}
	for i, name := range near {
		near[i] = fmt.Sprintf("%q", name)
	}
	return near
}
