package constraint

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// step checks one field or oneof of a message.
type step interface {
	walk(w *walker, m protoreflect.Message)
	// idle reports whether there is nothing that could break, here or below.
	idle() bool
}

// field is what the steps for single fields, lists and maps have in common.
type field struct {
	desc     protoreflect.FieldDescriptor
	names    []string                     // the field, for a mask
	mask     protoreflect.FieldDescriptor // update_mask that governs the field, or nil
	required bool
	size     set[int64]
	values   []rule // on the field, each element or each map value
	keys     []rule
	nested   *program // of a message, each element or each map value, or nil
}

func (f *field) idle() bool {
	return !f.required && f.size == nil && len(f.values) == 0 && len(f.keys) == 0 &&
		!f.enterable()
}

func (f *field) name() string { return f.names[0] }

// enterable reports whether the field holds messages that can be broken.
func (f *field) enterable() bool { return f.nested != nil && f.nested.active }

func newStep(f field, unique bool) step {
	switch {
	case f.desc.IsMap():
		return &mapping{f}
	case f.desc.IsList():
		return &list{field: f, unique: unique}
	}
	s := &single{field: f, missing: "none"}
	s.chosen = f.required && realOneof(f.desc) != nil
	if s.chosen || !f.desc.HasPresence() {
		s.missing = zeroText(f.desc)
	}
	return s
}

// zeroText is how the zero of a scalar reads after "required, got".
func zeroText(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return "an empty string"
	case protoreflect.BytesKind:
		return "no bytes"
	case protoreflect.BoolKind:
		return "false"
	case protoreflect.EnumKind:
		return string(fd.Enum().Values().Get(0).Name())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return "none"
	}
	return "0"
}

// single is a field that is neither list nor map.
type single struct {
	field
	chosen  bool // required binds only while the oneof holds this field
	missing string
}

func (s *single) walk(w *walker, m protoreflect.Message) {
	at := segment{name: s.name()}
	if !m.Has(s.desc) {
		if s.required && !s.chosen && !leavesAlone(m, s.mask, s.names) && w.refuse() {
			w.write(at, "required, got "+s.missing)
		}
		return
	}
	v := m.Get(s.desc)
	if s.chosen && !isMessage(s.desc) && v.Equal(s.desc.Default()) {
		if w.refuse() {
			w.write(at, "required, got "+s.missing)
		}
		return
	}
	w.rules(at, s.values, v)
	w.enter(at, s.nested, v)
}

type list struct {
	field
	unique bool
}

func (s *list) idle() bool { return !s.unique && s.field.idle() }

func (s *list) walk(w *walker, m protoreflect.Message) {
	entries := m.Get(s.desc).List()
	if !w.size(&s.field, m, entries.Len()) {
		return
	}
	if len(s.values) > 0 || s.enterable() {
		for i := 0; i < entries.Len() && !w.settled(); i++ {
			at := segment{name: s.name(), kind: indexed, index: i}
			w.rules(at, s.values, entries.Get(i))
			w.enter(at, s.nested, entries.Get(i))
		}
	}
	if s.unique && entries.Len() > 1 {
		s.walkRepeats(w, entries)
	}
}

func (s *list) walkRepeats(w *walker, entries protoreflect.List) {
	first := make(map[any]int, entries.Len())
	for i := 0; i < entries.Len() && !w.settled(); i++ {
		key, ok := identity(entries.Get(i))
		if !ok {
			continue
		}
		if earlier, repeats := first[key]; !repeats {
			first[key] = i
		} else if w.refuse() {
			w.write(segment{name: s.name(), kind: indexed, index: i}, "must be unique, got the same as "+
				segment{name: s.name(), kind: indexed, index: earlier}.String())
		}
	}
}

// identity is equal for equal entries. It reports false for a message that has
// no encoding, as with invalid UTF-8.
func identity(v protoreflect.Value) (any, bool) {
	switch x := v.Interface().(type) {
	case []byte:
		return string(x), true
	case protoreflect.Message:
		raw, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(x.Interface())
		return string(raw), err == nil
	default:
		return x, true
	}
}

type mapping struct{ field }

func (s *mapping) walk(w *walker, m protoreflect.Message) {
	entries := m.Get(s.desc).Map()
	if !w.size(&s.field, m, entries.Len()) || len(s.keys)+len(s.values) == 0 && !s.enterable() {
		return
	}
	w.eachEntry(entries, func(k protoreflect.MapKey, v protoreflect.Value) {
		at := segment{name: s.name(), kind: keyed, key: k}
		for _, r := range s.keys {
			if !r.holds(k.Value()) && w.refuse() {
				w.write(at, "key "+r.describe(k.Value()))
			}
		}
		w.rules(at, s.values, v)
		w.enter(at, s.nested, v)
	})
}

// choice is a oneof of which a member must be set.
type choice struct {
	desc  protoreflect.OneofDescriptor
	name  string
	text  string
	names []string                     // the members, for a mask
	mask  protoreflect.FieldDescriptor // update_mask that governs them, or nil
}

// maxMembersNamed bounds how many members of a oneof a description names.
const maxMembersNamed = 8

func newChoice(od protoreflect.OneofDescriptor, mask protoreflect.FieldDescriptor) *choice {
	s := &choice{desc: od, name: string(od.Name())}
	for i := range od.Fields().Len() {
		member := od.Fields().Get(i)
		s.names = append(s.names, string(member.Name()))
		if masked(member, mask) {
			s.mask = mask
		}
	}
	switch shown := s.names; {
	case len(shown) == 1:
		s.name, s.text = shown[0], "required, got none"
	case len(shown) <= maxMembersNamed:
		s.text = "exactly one of " + strings.Join(shown, ", ") + " must be set, got none"
	default:
		s.text = "exactly one of " + strings.Join(shown[:maxMembersNamed], ", ") + ", … must be set, got none"
	}
	return s
}

func (*choice) idle() bool { return false }

func (s *choice) walk(w *walker, m protoreflect.Message) {
	if m.WhichOneof(s.desc) == nil && !leavesAlone(m, s.mask, s.names) && w.refuse() {
		w.write(segment{name: s.name}, s.text)
	}
}
