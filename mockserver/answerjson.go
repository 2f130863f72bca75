package mockserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// misshapen is an Operation in JSON as a server would write it that made the
// answer's mistakes: what ProtoJSON can't express is written by its parts, and
// appended bytes by the members that they stand for.
func misshapen(m *operation.Operation, appended []byte, shapes []optestv1.JsonFault_Shape) []byte {
	snake := slices.Contains(shapes, optestv1.JsonFault_SNAKE_CASE)
	members := membersOf(m, snake)
	if len(appended) > 0 {
		more := &operation.Operation{}
		// Bytes that are no Operation have no JSON form.
		if proto.Unmarshal(appended, more) == nil {
			members = append(members, membersOf(more, snake)...)
		}
	}
	if slices.Contains(shapes, optestv1.JsonFault_NULL_MEMBERS) {
		for _, name := range []string{"error", "response"} {
			if !slices.ContainsFunc(members, func(m member) bool { return m.name == name }) {
				members = append(members, member{name, []byte("null")})
			}
		}
	}
	if slices.Contains(shapes, optestv1.JsonFault_WITHOUT_METADATA) {
		members = slices.DeleteFunc(members, func(m member) bool { return m.name == "metadata" })
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", m.name, m.value)
	}
	b.WriteByte('}')
	return misspelt(b.Bytes(), shapes)
}

// member is one of a JSON object.
type member struct {
	name  string
	value []byte
}

// membersOf are the message's fields in JSON, in the order of their numbers.
func membersOf(m *operation.Operation, snake bool) []member {
	var members []member
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if !m.ProtoReflect().Has(f) {
			continue
		}
		name := f.JSONName()
		if snake {
			name = string(f.Name())
		}
		members = append(members, member{name, valueOf(m, f, snake)})
	}
	return members
}

// valueOf is one field's value in JSON.
func valueOf(m *operation.Operation, f protoreflect.FieldDescriptor, snake bool) []byte {
	one := &operation.Operation{}
	one.ProtoReflect().Set(f, m.ProtoReflect().Get(f))
	text, err := protojson.MarshalOptions{UseProtoNames: snake}.Marshal(one)
	if err == nil {
		var members map[string]json.RawMessage
		if err = json.Unmarshal(text, &members); err == nil {
			for _, value := range members {
				var b bytes.Buffer
				if json.Compact(&b, value) == nil {
					return b.Bytes()
				}
			}
		}
	}
	var value any = fmt.Sprint(m.ProtoReflect().Get(f).Interface())
	if f.Message() != nil {
		switch v := m.ProtoReflect().Get(f).Message().Interface().(type) {
		case *timestamppb.Timestamp:
			value = sloppyTime(v)
		case *anypb.Any:
			value = sloppyAny(v)
		case *status.Status:
			value = sloppyStatus(v)
		}
	}
	text, _ = json.Marshal(value) // text, or bytes and text in a map
	return text
}

// sloppyAny prints a message whose type nobody knows as its bytes.
func sloppyAny(a *anypb.Any) any {
	return map[string]any{"@type": a.GetTypeUrl(), "value": a.GetValue()}
}

// sloppyStatus prints an error with details whose types nobody knows.
func sloppyStatus(st *status.Status) any {
	details := []any{}
	for _, d := range st.GetDetails() {
		if text, err := protojson.Marshal(d); err == nil {
			details = append(details, json.RawMessage(text))
		} else {
			details = append(details, sloppyAny(d))
		}
	}
	return map[string]any{"code": st.GetCode(), "message": st.GetMessage(), "details": details}
}

// sloppyTime prints a time as if its nanoseconds were valid.
func sloppyTime(t *timestamppb.Timestamp) string {
	whole := time.Unix(t.GetSeconds(), 0).UTC().Format("2006-01-02T15:04:05")
	return strings.TrimSuffix(whole, "Z") + fmt.Sprintf(".%09dZ", t.GetNanos())
}
