package rest

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"
)

// Whatever a client puts in the path, the query and the body arrives as it was.
func TestRoundTrip(t *testing.T) {
	methods := oddMethods(t,
		`get: "/v1/{id}"`,
		`post: "/v1/{id}/all" body: "*"`,
		`patch: "/v1/{id}/child/{big_int}" body: "child"`,
		`get: "/v2/{odd_name=a/*/b/**}:do"`,
		`put: "/v3/{color}/{raw}/{double}" body: "children"`,
	)
	s := newSubject(t, methods)
	sinkType := methods[0].Input()
	set := func(m protoreflect.Message, name string, value any) {
		m.Set(sinkType.Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOf(value))
	}
	text := func(t *rapid.T, label string) string { return rapid.StringN(1, 12, -1).Draw(t, label) }

	check := func(t *rapid.T, verb, target, body string, want protoreflect.Message) {
		got := s.do(t, verb, target, body)
		if got.code != http.StatusOK || !proto.Equal(s.last, want.Interface()) {
			t.Fatalf("%s %s with %s: %d %s received\n%v\nwant\n%v", verb, target, body, got.code, got.body, s.last, want.Interface())
		}
	}
	asJSON := func(t *rapid.T, m proto.Message) string {
		out, err := protojson.MarshalOptions{UseProtoNames: rapid.Bool().Draw(t, "proto names")}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}

	t.Run("query", rapid.MakeCheck(func(t *rapid.T) {
		m := drawMessage(t, sinkType, 2, inQuery)
		id := text(t, "id")
		set(m, "id", "")
		query := drawQuery(t, m)
		set(m, "id", id)
		check(t, "GET", "/v1/"+escapeSegment(id)+"?"+query, "", m)
	}))
	t.Run("body", rapid.MakeCheck(func(t *rapid.T) {
		m := drawMessage(t, sinkType, 2, anywhere)
		id := text(t, "id")
		set(m, "id", rapid.SampledFrom([]string{"", id}).Draw(t, "id in body"))
		body := asJSON(t, m.Interface())
		set(m, "id", id)
		check(t, "POST", "/v1/"+escapeSegment(id)+"/all", body, m)
	}))
	t.Run("body field", rapid.MakeCheck(func(t *rapid.T) {
		m := drawMessage(t, sinkType, 1, inQuery)
		id, number := text(t, "id"), rapid.Int64().Draw(t, "big_int")
		set(m, "id", "")
		set(m, "big_int", int64(0))
		m.Clear(sinkType.Fields().ByName("child"))
		query := drawQuery(t, m)
		child := drawMessage(t, sinkType, 1, anywhere)
		set(m, "child", child)
		set(m, "id", id)
		set(m, "big_int", number)
		check(t, "PATCH", fmt.Sprintf("/v1/%s/child/%d?%s", escapeSegment(id), number, query), asJSON(t, child.Interface()), m)
	}))
	t.Run("many segments", rapid.MakeCheck(func(t *rapid.T) {
		// A slash within a segment stays escaped there, and so would its escape.
		part := rapid.StringMatching(`[^/%]{0,8}`)
		name := "a/" + rapid.StringMatching(`[^/%]{1,8}`).Draw(t, "one") + "/b"
		path := "/v2"
		for _, more := range rapid.SliceOfN(part, 0, 3).Draw(t, "rest") {
			name += "/" + more
		}
		for segment := range strings.SplitSeq(name, "/") {
			path += "/" + escapeSegment(segment)
		}
		m := dynamicpb.NewMessage(sinkType)
		set(m, "odd_name", name)
		check(t, "GET", path+":do", "", m)
	}))
	t.Run("path types", rapid.MakeCheck(func(t *rapid.T) {
		m := dynamicpb.NewMessage(sinkType)
		set(m, "color", protoreflect.EnumNumber(rapid.Int32().Draw(t, "color")))
		set(m, "raw", rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "raw"))
		set(m, "double", drawFloat(t))
		children := m.Mutable(sinkType.Fields().ByName("children")).List()
		var parts []string
		for range rapid.IntRange(0, 2).Draw(t, "children") {
			child := drawMessage(t, sinkType, 1, anywhere)
			children.Append(protoreflect.ValueOfMessage(child))
			parts = append(parts, asJSON(t, child.Interface()))
		}
		target := "/v3"
		for _, name := range []protoreflect.Name{"color", "raw", "double"} {
			field := sinkType.Fields().ByName(name)
			target += "/" + escapeSegment(drawText(t, field, m.Get(field)))
		}
		check(t, "PUT", target, "["+strings.Join(parts, ", ")+"]", m)
	}))
}

// escapeSegment is what the annotation language asks of a client: all but
// [-_.~0-9a-zA-Z] percent-encoded.
func escapeSegment(text string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-_.~", c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02x", c)
		}
	}
	return out.String()
}

// drawQuery writes m as a query, with either name of every field, and clears
// what a query cannot say: messages that are there but empty.
func drawQuery(t *rapid.T, m protoreflect.Message) string {
	var pairs []string
	drawParameters(t, m, "", &pairs)
	return strings.Join(pairs, "&")
}

func drawParameters(t *rapid.T, m protoreflect.Message, prefix string, pairs *[]string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		name := prefix + rapid.SampledFrom([]string{field.JSONName(), string(field.Name())}).Draw(t, "name")
		if field.IsList() {
			for i := range m.Get(field).List().Len() {
				*pairs = append(*pairs, name+"="+escapeSegment(drawText(t, field, m.Get(field).List().Get(i))))
			}
			continue
		}
		if field.Message() != nil && field.Message().ParentFile().Package() == "odd" {
			before := len(*pairs)
			drawParameters(t, m.Get(field).Message(), name+".", pairs)
			if len(*pairs) == before {
				m.Clear(field)
			}
			continue
		}
		*pairs = append(*pairs, name+"="+escapeSegment(drawText(t, field, m.Get(field))))
	}
}

func drawText(t *rapid.T, field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch v := value.Interface().(type) {
	case []byte:
		return rapid.SampledFrom([]*base64.Encoding{
			base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
		}).Draw(t, "base64").EncodeToString(v)
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case float64:
		switch {
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case protoreflect.EnumNumber:
		if name := field.Enum().Values().ByNumber(v); name != nil && rapid.Bool().Draw(t, "enum name") {
			return string(name.Name())
		}
		return strconv.Itoa(int(v))
	case protoreflect.Message:
		raw, err := protojson.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		var text structpb.Value
		if err := protojson.Unmarshal(raw, &text); err != nil {
			t.Fatal(err)
		}
		if text, ok := text.GetKind().(*structpb.Value_StringValue); ok {
			return text.StringValue
		}
		return string(raw) // a bool or a number
	default:
		return fmt.Sprint(v)
	}
}
