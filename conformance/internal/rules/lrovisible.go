package rules

import (
	"bytes"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// changed says what a reader can see to be different in another answer, empty for
// nothing. The response does not count: a server may render the image as it is now.
// Nor do messages, which may be translated, and fields that the contract does not
// have: not all protocols show them.
func changed(a, b *Answer) string {
	switch {
	case a.GetDone() != b.GetDone():
		return "done"
	case (a.GetError() != nil) != (b.GetError() != nil) || a.GetError().GetCode() != b.GetError().GetCode():
		return "error"
	case (a.GetResponse() != nil) != (b.GetResponse() != nil):
		return "response"
	case !sameMetadata(a, b):
		return "metadata"
	case a.GetDescription() != b.GetDescription():
		return "description"
	}
	return ""
}

// sameMetadata reports false only where both can be read, and differ.
func sameMetadata(a, b *Answer) bool {
	x, y := a.GetMetadata(), b.GetMetadata()
	switch {
	case (x == nil) != (y == nil) || x.MessageName() != y.MessageName():
		return false
	case bytes.Equal(x.GetValue(), y.GetValue()) || a.Meta == nil || b.Meta == nil:
		return true
	}
	return sameKnown(a.Meta, b.Meta)
}

// sameKnown compares messages by the fields that their schemas have.
func sameKnown(a, b proto.Message) bool {
	return proto.Equal(a, b) || proto.Equal(withoutUnknown(a), withoutUnknown(b))
}

func withoutUnknown(m proto.Message) proto.Message {
	m = proto.Clone(m)
	visitAll(m.ProtoReflect(), func(m protoreflect.Message) { m.SetUnknown(nil) })
	return m
}

// sameInstant reports whether two stamps may be of one moment: a store may keep
// fewer digits than the first answer had, cut off or rounded.
func sameInstant(a, b *timestamppb.Timestamp) bool {
	unit := max(precision(a), precision(b))
	return distance(a, b) < time.Duration(unit)
}

// distance is how far two stamps are from each other.
func distance(a, b *timestamppb.Timestamp) time.Duration {
	return a.AsTime().Sub(b.AsTime()).Abs()
}

// precision is the finest unit that a stamp shows, in nanoseconds: 1, 1000 and so
// on.
func precision(t *timestamppb.Timestamp) int32 {
	unit := int32(time.Second)
	for n := t.GetNanos(); n%unit != 0; {
		unit /= 1000
	}
	return unit
}
