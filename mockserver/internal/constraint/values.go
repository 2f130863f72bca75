package constraint

import (
	"cmp"
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// subject is a value that options bind: what it is in the descriptor, and under
// the wrapper if it is one of google.protobuf's.
type subject struct {
	fd      protoreflect.FieldDescriptor
	kind    protoreflect.Kind
	wrapped bool
}

var wrapperKinds = map[protoreflect.FullName]protoreflect.Kind{
	"google.protobuf.DoubleValue": protoreflect.DoubleKind,
	"google.protobuf.FloatValue":  protoreflect.FloatKind,
	"google.protobuf.Int64Value":  protoreflect.Int64Kind,
	"google.protobuf.UInt64Value": protoreflect.Uint64Kind,
	"google.protobuf.Int32Value":  protoreflect.Int32Kind,
	"google.protobuf.UInt32Value": protoreflect.Uint32Kind,
	"google.protobuf.BoolValue":   protoreflect.BoolKind,
	"google.protobuf.StringValue": protoreflect.StringKind,
	"google.protobuf.BytesValue":  protoreflect.BytesKind,
}

func subjectOf(fd protoreflect.FieldDescriptor) subject {
	if isMessage(fd) {
		if kind, ok := wrapperKinds[fd.Message().FullName()]; ok {
			return subject{fd: fd, kind: kind, wrapped: true}
		}
	}
	return subject{fd: fd, kind: fd.Kind()}
}

func isMessage(fd protoreflect.FieldDescriptor) bool {
	return fd.Kind() == protoreflect.MessageKind || fd.Kind() == protoreflect.GroupKind
}

// noun names the type of the subject for an error.
func (s subject) noun() string {
	if isMessage(s.fd) {
		return string(s.fd.Message().FullName())
	}
	return s.kind.String()
}

func (s subject) length(text string) (rule, error) {
	switch s.kind {
	case protoreflect.StringKind:
		return newLimit(s, text, limit[int64]{subject: "length ", unit: characters, show: showInt, measure: runesOf}, readCount)
	case protoreflect.BytesKind:
		return newLimit(s, text, limit[int64]{subject: "length ", unit: octets, show: showInt, measure: bytesOf}, readCount)
	}
	return nil, s.unsuited("a string or bytes")
}

func (s subject) bytes(text string) (rule, error) {
	l := limit[int64]{subject: "size ", unit: octets, show: showInt}
	switch {
	case s.kind == protoreflect.StringKind:
		l.measure = stringBytesOf
	case s.kind == protoreflect.BytesKind:
		l.measure = bytesOf
	case isMessage(s.fd) && !s.wrapped:
		l.measure = encodedSizeOf
	default:
		return nil, s.unsuited("a string, bytes or a message")
	}
	return newLimit(s, text, l, readCount)
}

func (s subject) pattern(text string) (rule, error) {
	if s.kind != protoreflect.StringKind {
		return nil, s.unsuited("a string")
	}
	read := textOf
	if s.wrapped {
		read = inside(s.kind, read)
	}
	p, err := newPattern(text, read)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (s subject) value(text string) (rule, error) {
	switch s.kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind,
		protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return newLimit(s, text, limit[int64]{unit: bare, show: showInt, measure: intOf}, readInt)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return newLimit(s, text, limit[uint64]{unit: bare, show: showUint, measure: uintOf}, readUint)
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return newLimit(s, text, limit[float64]{unit: bare, show: showFloat, measure: floatOf}, readFloat)
	case protoreflect.MessageKind:
		switch s.fd.Message().FullName() {
		case "google.protobuf.Duration":
			return newLimit(s, text, limit[int64]{unit: bare, show: showDuration, measure: durationOf}, readDuration)
		case "google.protobuf.Timestamp":
			return newLimit(s, text, limit[int64]{unit: bare, show: showTimestamp, measure: timestampOf}, readTimestamp)
		}
	}
	return nil, s.unsuited("a number, google.protobuf.Duration or google.protobuf.Timestamp")
}

func newLimit[T cmp.Ordered](s subject, text string, l limit[T], read func(string) (T, error)) (rule, error) {
	allowed, err := parseSet(text, read)
	if err != nil {
		return nil, err
	}
	l.allowed = allowed
	if s.wrapped {
		l.measure = inside(s.kind, l.measure)
	}
	return &l, nil
}

func (s subject) unsuited(want string) error {
	return fmt.Errorf("a field of type %s, want %s", s.noun(), want)
}
