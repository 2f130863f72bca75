package mockserver

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// The parts of an Any that a path may name besides the fields of what it holds.
const (
	anyType  = "@type"
	anyValue = "@value"
)

// setPath sets the field at a dotted path to a value as in JSON. A path goes on
// into an Any, which is packed again, and by a number into a list.
func setPath(m protoreflect.Message, path string, value *structpb.Value) error {
	return atPath(m, path, func(m protoreflect.Message, name string) error {
		if packed, ok := m.Interface().(*anypb.Any); ok {
			switch name {
			case anyType:
				packed.TypeUrl = value.GetStringValue()
				return nil
			case anyValue:
				raw, err := base64.StdEncoding.DecodeString(value.GetStringValue())
				if err != nil {
					return fmt.Errorf("%s: got %s, want base64: %w", anyValue, quoted(value.GetStringValue()), err)
				}
				packed.Value = raw
				return nil
			}
		}
		return override(m, &structpb.Struct{Fields: map[string]*structpb.Value{name: value}})
	})
}

func clearPath(m protoreflect.Message, path string) error {
	return atPath(m, path, func(m protoreflect.Message, name string) error {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if f == nil {
			return fmt.Errorf("%s has no field %q", m.Descriptor().FullName(), name)
		}
		m.Clear(f)
		return nil
	})
}

// atPath does something to the last field of a path, in the message that has it.
func atPath(m protoreflect.Message, path string, do func(protoreflect.Message, string) error) error {
	name, rest, nested := strings.Cut(path, ".")
	packed, isAny := m.Interface().(*anypb.Any)
	if isAny && name != anyType && name != anyValue && name != "type_url" && name != "value" {
		held, err := packed.UnmarshalNew()
		if err != nil {
			return fmt.Errorf("what %s holds: %w", packed.GetTypeUrl(), err)
		}
		if err := atPath(held.ProtoReflect(), path, do); err != nil {
			return err
		}
		url := packed.GetTypeUrl()
		if err := packed.MarshalFrom(held); err != nil {
			return err
		}
		packed.TypeUrl = url
		return nil
	}
	if !nested {
		return do(m, name)
	}
	f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if f == nil || f.Message() == nil || f.IsMap() {
		return fmt.Errorf("%s has no message field %q", m.Descriptor().FullName(), name)
	}
	if !f.IsList() {
		return atPath(m.Mutable(f).Message(), rest, do)
	}
	index, rest, _ := strings.Cut(rest, ".")
	elements := m.Get(f).List().Len()
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= elements || rest == "" {
		return fmt.Errorf("%s has %d elements, got %q, want the number of one, from 0, and a field of it", name, elements, index)
	}
	return atPath(m.Mutable(f).List().Get(i).Message(), rest, do)
}

// override sets the fields that a scenario names, zero values too.
func override(m protoreflect.Message, values *structpb.Struct) error {
	for name, value := range values.GetFields() {
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if f == nil {
			return fmt.Errorf("%s has no field %q", m.Descriptor().FullName(), name)
		}
		text, err := protojson.Marshal(&structpb.Struct{Fields: map[string]*structpb.Value{name: value}})
		if err != nil {
			return err
		}
		one := m.New()
		if err := protojson.Unmarshal(text, one.Interface()); err != nil {
			return err
		}
		if one.Has(f) {
			m.Set(f, one.Get(f))
		} else {
			m.Clear(f)
		}
	}
	return nil
}
