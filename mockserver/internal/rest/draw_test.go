package rest

import (
	"math"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

// anywhere and inQuery say which fields may be drawn.
func anywhere(protoreflect.FieldDescriptor) bool { return true }

func inQuery(field protoreflect.FieldDescriptor) bool {
	switch field.Name() {
	case "children", "labels", "tree", "packed", "nothing":
		return false
	}
	return true
}

func drawMessage(t *rapid.T, d protoreflect.MessageDescriptor, depth int, allowed func(protoreflect.FieldDescriptor) bool) protoreflect.Message {
	m := dynamicpb.NewMessage(d)
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		own := field.Message() != nil && field.Message() == d
		if !allowed(field) || own && depth == 0 || !rapid.Bool().Draw(t, "has "+string(field.Name())) {
			continue
		}
		switch {
		case field.IsMap():
			for k, v := range rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "labels") {
				m.Mutable(field).Map().Set(protoreflect.ValueOfString(k).MapKey(), protoreflect.ValueOfString(v))
			}
		case field.IsList():
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				m.Mutable(field).List().Append(drawValue(t, field, depth, allowed))
			}
		default:
			m.Set(field, drawValue(t, field, depth, allowed))
		}
	}
	return m
}

func drawValue(t *rapid.T, field protoreflect.FieldDescriptor, depth int, allowed func(protoreflect.FieldDescriptor) bool) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64"))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "uint32"))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(t, "uint64"))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rapid.Float32().Draw(t, "float"))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(drawFloat(t))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.Int32Range(-1, 4).Draw(t, "enum")))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	case protoreflect.MessageKind:
		return protoreflect.ValueOfMessage(drawKnown(t, field.Message(), depth, allowed))
	default:
		return protoreflect.ValueOfString(rapid.String().Draw(t, "string"))
	}
}

func drawFloat(t *rapid.T) float64 {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1)})).Draw(t, "double")
}

func drawKnown(t *rapid.T, d protoreflect.MessageDescriptor, depth int, allowed func(protoreflect.FieldDescriptor) bool) protoreflect.Message {
	var known proto.Message
	switch d.FullName() {
	case "google.protobuf.Timestamp":
		known = &timestamppb.Timestamp{
			Seconds: rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"),
			Nanos:   rapid.Int32Range(0, 999_999_999).Draw(t, "nanos"),
		}
	case "google.protobuf.Duration":
		sign := rapid.SampledFrom([]int64{-1, 1}).Draw(t, "sign")
		known = &durationpb.Duration{
			Seconds: sign * rapid.Int64Range(0, 315576000000).Draw(t, "seconds"),
			Nanos:   int32(sign) * rapid.Int32Range(0, 999_999_999).Draw(t, "nanos"),
		}
	case "google.protobuf.FieldMask":
		known = &fieldmaskpb.FieldMask{Paths: rapid.SliceOf(rapid.StringMatching(`[a-z]{1,3}(_[a-z]{1,3})?(\.[a-z]{1,3}){0,2}`)).Draw(t, "paths")}
	case "google.protobuf.Struct":
		known = &structpb.Struct{Fields: map[string]*structpb.Value{
			rapid.String().Draw(t, "key"): structpb.NewStringValue(rapid.String().Draw(t, "value")),
		}}
	case "google.protobuf.Any":
		packed, err := anypb.New(&durationpb.Duration{Seconds: rapid.Int64Range(0, 9).Draw(t, "packed")})
		if err != nil {
			t.Fatal(err)
		}
		known = packed
	default:
		return drawMessage(t, d, depth-1, allowed)
	}
	m := dynamicpb.NewMessage(d)
	raw, err := proto.Marshal(known)
	if err == nil {
		err = proto.Unmarshal(raw, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}
