package rules

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// limits is what the options of a field ask of its value.
type limits struct {
	field    protoreflect.FieldDescriptor
	required bool
	// length counts characters: of the text, or of the values of a map.
	length span
	size   span
	// pattern is of the text or of the values of a map, and matches the whole of it.
	pattern *regexp.Regexp
	key     struct {
		length  span
		pattern *regexp.Regexp
	}
}

// span is a range that includes both ends. The zero span has no ends.
type span struct {
	least, most int
	set         bool
}

func (s span) has(n int) bool { return !s.set || s.least <= n && n <= s.most }

// parseSpan reads `<=50`, `<50`, `>=1`, `>0`, `1-63` and `36`. What it can't read
// is no limit: a rule that misreads one would accuse the wrong server.
func parseSpan(text string) span {
	const endless = 1<<31 - 1
	number := func(digits string, more int) (int, bool) {
		n, err := strconv.Atoi(strings.TrimSpace(digits))
		return n + more, err == nil && n >= 0 && n < endless
	}
	s := span{most: endless}
	switch low, high, isRange := strings.Cut(text, "-"); {
	case strings.HasPrefix(text, "<="):
		s.most, s.set = number(text[2:], 0)
	case strings.HasPrefix(text, "<"):
		s.most, s.set = number(text[1:], -1)
	case strings.HasPrefix(text, ">="):
		s.least, s.set = number(text[2:], 0)
	case strings.HasPrefix(text, ">"):
		s.least, s.set = number(text[1:], 1)
	case isRange:
		least, ok := number(low, 0)
		most, also := number(high, 0)
		s = span{least, most, ok && also}
	default:
		n, ok := number(text, 0)
		s = span{n, n, ok}
	}
	return s
}

// knownLimits are those of a message's fields by its descriptor.
var knownLimits sync.Map

// limitsOf are the limits of the fields of a message that have any.
func limitsOf(desc protoreflect.MessageDescriptor) []limits {
	if list, ok := knownLimits.Load(desc); ok {
		return list.([]limits)
	}
	var list []limits
	for i := range desc.Fields().Len() {
		if l, ok := newLimits(desc.Fields().Get(i)); ok {
			list = append(list, l)
		}
	}
	actual, _ := knownLimits.LoadOrStore(desc, list)
	return actual.([]limits)
}

func newLimits(f protoreflect.FieldDescriptor) (limits, bool) {
	options := f.Options()
	text := func(x protoreflect.ExtensionType) string {
		s, _ := proto.GetExtension(options, x).(string)
		return s
	}
	l := limits{field: f, length: parseSpan(text(cloud.E_Length)), size: parseSpan(text(cloud.E_Size)), pattern: whole(text(cloud.E_Pattern))}
	l.required, _ = proto.GetExtension(options, cloud.E_Required).(bool)
	if k, ok := proto.GetExtension(options, cloud.E_MapKey).(*cloud.MapKeySpec); ok {
		l.key.length, l.key.pattern = parseSpan(k.GetLength()), whole(k.GetPattern())
	}
	return l, l.required || l.length.set || l.size.set || l.pattern != nil || l.key.length.set || l.key.pattern != nil
}

// whole is nil for no pattern.
func whole(pattern string) *regexp.Regexp {
	if pattern == "" {
		return nil
	}
	r, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil {
		return nil
	}
	return r
}

// excess is a way in which a request goes beyond what its method documents.
type excess struct {
	field protoreflect.FieldDescriptor
	// what tells ways apart, such as `length`.
	what string
	// text is for people, such as `is empty although it is required`.
	text string
}

// excesses are all ways in which a message goes beyond the limits of its fields.
func excesses(m proto.Message) []excess {
	if m == nil {
		return nil
	}
	var found []excess
	r := m.ProtoReflect()
	for _, l := range limitsOf(r.Descriptor()) {
		if !r.Has(l.field) {
			if l.required {
				found = append(found, excess{l.field, "required", "is empty although it is required"})
			}
			continue
		}
		switch v := r.Get(l.field); {
		case l.field.IsMap():
			found = append(found, l.ofMap(v.Map())...)
		case l.field.IsList():
			if n := v.List().Len(); !l.size.has(n) {
				found = append(found, excess{l.field, "size", fmt.Sprintf("has %d entries", n)})
			}
		case l.field.Kind() == protoreflect.StringKind:
			found = append(found, l.ofText(v.String())...)
		}
	}
	return found
}

func (l limits) ofText(text string) []excess {
	var found []excess
	if n := utf8.RuneCountInString(text); !l.length.has(n) {
		found = append(found, excess{l.field, "length", fmt.Sprintf("has %d characters", n)})
	}
	if l.pattern != nil && !l.pattern.MatchString(text) {
		found = append(found, excess{l.field, "pattern", "does not match the documented pattern"})
	}
	return found
}

// ofMap finds each way once, however many entries go it.
func (l limits) ofMap(m protoreflect.Map) []excess {
	var keyLength, keyPattern, length, pattern bool
	text := func(v protoreflect.FieldDescriptor) bool { return v.Kind() == protoreflect.StringKind }
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if text(l.field.MapKey()) {
			keyLength = keyLength || !l.key.length.has(utf8.RuneCountInString(k.String()))
			keyPattern = keyPattern || l.key.pattern != nil && !l.key.pattern.MatchString(k.String())
		}
		if text(l.field.MapValue()) {
			length = length || !l.length.has(utf8.RuneCountInString(v.String()))
			pattern = pattern || l.pattern != nil && !l.pattern.MatchString(v.String())
		}
		return true
	})
	var found []excess
	for _, way := range []struct {
		is         bool
		what, text string
	}{
		{!l.size.has(m.Len()), "size", fmt.Sprintf("has %d entries", m.Len())},
		{keyLength, "key length", "has a key that is empty or too long"},
		{keyPattern, "key pattern", "has a key that does not match the documented pattern"},
		{length, "length", "has a value that is too long"},
		{pattern, "pattern", "has a value that does not match the documented pattern"},
	} {
		if way.is {
			found = append(found, excess{l.field, way.what, way.text})
		}
	}
	return found
}
