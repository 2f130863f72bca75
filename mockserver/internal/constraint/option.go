package constraint

import (
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/runtime/protoimpl"
	"google.golang.org/protobuf/types/descriptorpb"
)

// options are those of one field, as written. An empty text is an absent option.
type options struct {
	required, unique                    bool
	pattern, value, size, length, bytes string
	keyPattern, keyValue, keyLength     string
	hasKey                              bool
}

func (o options) empty() bool { return o == options{} }

var fieldOptions = []*protoimpl.ExtensionInfo{
	cloud.E_Required, cloud.E_Pattern, cloud.E_Value, cloud.E_Size,
	cloud.E_Length, cloud.E_Unique, cloud.E_MapKey, cloud.E_Bytes,
}

func readOptions(fd protoreflect.FieldDescriptor) (options, error) {
	var known descriptorpb.FieldOptions
	found, err := decodeOptions(fd.Options(), &known, fieldOptions)
	if err != nil || !found {
		return options{}, err
	}
	text := func(x *protoimpl.ExtensionInfo) string { return proto.GetExtension(&known, x).(string) }
	flag := func(x *protoimpl.ExtensionInfo) bool { return proto.GetExtension(&known, x).(bool) }
	key := proto.GetExtension(&known, cloud.E_MapKey).(*cloud.MapKeySpec)
	return options{
		required:   flag(cloud.E_Required),
		unique:     flag(cloud.E_Unique),
		pattern:    text(cloud.E_Pattern),
		value:      text(cloud.E_Value),
		size:       text(cloud.E_Size),
		length:     text(cloud.E_Length),
		bytes:      text(cloud.E_Bytes),
		hasKey:     proto.HasExtension(&known, cloud.E_MapKey),
		keyPattern: key.GetPattern(),
		keyValue:   key.GetValue(),
		keyLength:  key.GetLength(),
	}, nil
}

var oneofOptions = []*protoimpl.ExtensionInfo{cloud.E_ExactlyOne}

func readExactlyOne(od protoreflect.OneofDescriptor) (bool, error) {
	var known descriptorpb.OneofOptions
	found, err := decodeOptions(od.Options(), &known, oneofOptions)
	if err != nil || !found {
		return false, err
	}
	return proto.GetExtension(&known, cloud.E_ExactlyOne).(bool), nil
}

const wantDeclared = "want what yandex/cloud/validation.proto declares"

// decodeOptions copies from into known by way of the wire. A descriptor that was
// read from a file may carry the options as unknown fields or as extensions of
// another registry, which GetExtension does not find or panics on.
func decodeOptions(from, known proto.Message, want []*protoimpl.ExtensionInfo) (bool, error) {
	if from == nil || !from.ProtoReflect().IsValid() {
		return false, nil
	}
	raw, err := proto.MarshalOptions{AllowPartial: true}.Marshal(from)
	if err == nil && len(raw) > 0 {
		err = proto.UnmarshalOptions{AllowPartial: true}.Unmarshal(raw, known)
	}
	if err != nil {
		return false, fmt.Errorf("bytes that do not decode, %s: %w", wantDeclared, err)
	}
	found := false
	for _, x := range want {
		if proto.HasExtension(known, x) {
			found = true
		}
		if hasField(known.ProtoReflect().GetUnknown(), x.TypeDescriptor().Number()) {
			return false, fmt.Errorf("another wire type for (%s), %s", x.TypeDescriptor().FullName(), wantDeclared)
		}
	}
	return found, nil
}

// hasField reports whether raw, a valid sequence of fields, holds number n.
func hasField(raw []byte, n protowire.Number) bool {
	for len(raw) > 0 {
		got, _, size := protowire.ConsumeField(raw)
		if size < 0 {
			return false
		}
		if got == n {
			return true
		}
		raw = raw[size:]
	}
	return false
}
