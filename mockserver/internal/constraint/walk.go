package constraint

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth bounds the nesting of messages that is looked into, as protobuf
// itself does by default in C++ and Java.
const maxDepth = 100

// walker goes through a message in one of two ways: without a report it only
// finds out whether anything is broken, and stops at the first; with one it
// visits all, maps in the order of their keys.
type walker struct {
	report *report
	failed bool
	path   []segment // of the messages entered
}

// settled reports whether nothing more can be learned.
func (w *walker) settled() bool { return w.failed && w.report == nil }

// refuse notes a violation and reports whether write is to follow.
func (w *walker) refuse() bool {
	w.failed = true
	return w.report != nil && w.report.wanted()
}

func (w *walker) write(at segment, text string) {
	w.report.add(pathString(w.path, at), text)
}

func (w *walker) message(p *program, m protoreflect.Message) {
	for _, s := range p.steps {
		if w.settled() {
			return
		}
		s.walk(w, m)
	}
}

func (w *walker) rules(at segment, rules []rule, v protoreflect.Value) {
	for _, r := range rules {
		if !r.holds(v) && w.refuse() {
			w.write(at, r.describe(v))
		}
	}
}

// enter checks the message in v, if p says that it is one.
func (w *walker) enter(at segment, p *program, v protoreflect.Value) {
	if p == nil {
		return
	}
	m := v.Message()
	if md := m.Descriptor(); md != p.desc {
		p = programOf(md)
	}
	if !p.active {
		return
	}
	if len(w.path) == maxDepth {
		if w.refuse() {
			w.write(at, "must not be nested deeper than 100 messages")
		}
		return
	}
	w.path = append(w.path, at)
	w.message(p, m)
	w.path = w.path[:len(w.path)-1]
}

// size checks the number of entries and reports whether there are any to visit.
func (w *walker) size(f *field, m protoreflect.Message, n int) bool {
	required := n == 0 && f.required
	if !required && (f.size == nil || f.size.contains(int64(n))) {
		return n > 0
	}
	if n == 0 && leavesAlone(m, f.mask, f.names) || !w.refuse() {
		return n > 0
	}
	text := "required, got no entries"
	if !required {
		text = "must have " + f.size.words(showInt, entries) + ", got " + showInt(int64(n))
	}
	w.write(segment{name: f.name()}, text)
	return n > 0
}

// eachEntry calls visit for each entry of a map, sorted if there is a report.
func (w *walker) eachEntry(m protoreflect.Map, visit func(protoreflect.MapKey, protoreflect.Value)) {
	if w.report == nil {
		m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			visit(k, v)
			return !w.settled()
		})
		return
	}
	keys := make([]protoreflect.MapKey, 0, m.Len())
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, compareKeys)
	for _, k := range keys {
		visit(k, m.Get(k))
	}
}

// compareKeys orders two keys of one map.
func compareKeys(a, b protoreflect.MapKey) int {
	switch x := a.Interface().(type) {
	case bool:
		switch y := b.Bool(); {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	case int32, int64:
		return cmp.Compare(a.Int(), b.Int())
	case uint32, uint64:
		return cmp.Compare(a.Uint(), b.Uint())
	}
	return strings.Compare(a.String(), b.String())
}
