package constraint

import (
	"cmp"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// rule is one limit on one value: a field, an element, a map key or map value.
type rule interface {
	holds(protoreflect.Value) bool
	// describe says what is allowed and what v has, given that v breaks the rule.
	describe(v protoreflect.Value) string
}

// limit is a rule on a quantity of a value.
type limit[T cmp.Ordered] struct {
	subject string // "length " or nothing
	allowed set[T]
	unit    unit
	show    func(T) string
	// measure reports false for a value that has no such quantity, as a Duration
	// whose parts contradict each other.
	measure func(protoreflect.Value) (T, bool)
}

func (l *limit[T]) holds(v protoreflect.Value) bool {
	n, ok := l.measure(v)
	return ok && l.allowed.contains(n)
}

func (l *limit[T]) describe(v protoreflect.Value) string {
	got := "an invalid value"
	if n, ok := l.measure(v); ok {
		got = l.show(n)
	}
	return l.subject + "must be " + l.allowed.words(l.show, l.unit) + ", got " + got
}

var (
	characters = unit{"character", "characters"}
	octets     = unit{"byte", "bytes"}
	entries    = unit{"entry", "entries"}
	bare       = unit{}
)

func textOf(v protoreflect.Value) (string, bool) { return v.String(), true }

// runesOf counts an invalid byte as one code point.
func runesOf(v protoreflect.Value) (int64, bool) {
	return int64(utf8.RuneCountInString(v.String())), true
}

func stringBytesOf(v protoreflect.Value) (int64, bool) { return int64(len(v.String())), true }

func bytesOf(v protoreflect.Value) (int64, bool) { return int64(len(v.Bytes())), true }

func encodedSizeOf(v protoreflect.Value) (int64, bool) {
	return int64(proto.Size(v.Message().Interface())), true
}

func intOf(v protoreflect.Value) (int64, bool) { return v.Int(), true }

func uintOf(v protoreflect.Value) (uint64, bool) { return v.Uint(), true }

func floatOf(v protoreflect.Value) (float64, bool) { return v.Float(), true }

// Limits of the well-known types, in seconds.
const (
	maxDuration  = 315_576_000_000
	minTimestamp = -62_135_596_800
	maxTimestamp = 253_402_300_799
)

func durationOf(v protoreflect.Value) (int64, bool) {
	seconds, nanos, ok := secondsAndNanos(v)
	valid := ok && seconds >= -maxDuration && seconds <= maxDuration &&
		nanos > -1e9 && nanos < 1e9 &&
		(seconds <= 0 || nanos >= 0) && (seconds >= 0 || nanos <= 0)
	return nanoseconds(seconds, nanos), valid
}

func timestampOf(v protoreflect.Value) (int64, bool) {
	seconds, nanos, ok := secondsAndNanos(v)
	valid := ok && seconds >= minTimestamp && seconds <= maxTimestamp && nanos >= 0 && nanos < 1e9
	return nanoseconds(seconds, nanos), valid
}

func secondsAndNanos(v protoreflect.Value) (seconds, nanos int64, ok bool) {
	s, ok1 := member(v, 1, protoreflect.Int64Kind)
	n, ok2 := member(v, 2, protoreflect.Int32Kind)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	return s.Int(), n.Int(), true
}

// inside applies measure to field 1 of a wrapper such as Int64Value.
func inside[T any](kind protoreflect.Kind, measure func(protoreflect.Value) (T, bool)) func(protoreflect.Value) (T, bool) {
	return func(v protoreflect.Value) (T, bool) {
		content, ok := member(v, 1, kind)
		if !ok {
			var zero T
			return zero, false
		}
		return measure(content)
	}
}

// member asks the message itself for the field, since a dynamic message may hold
// a value of any descriptor of the declared name.
func member(v protoreflect.Value, n protoreflect.FieldNumber, kind protoreflect.Kind) (protoreflect.Value, bool) {
	m := v.Message()
	fd := m.Descriptor().Fields().ByNumber(n)
	if fd == nil || fd.Kind() != kind || fd.Cardinality() == protoreflect.Repeated {
		return protoreflect.Value{}, false
	}
	return m.Get(fd), true
}
