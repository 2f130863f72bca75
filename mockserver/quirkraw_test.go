package mockserver

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Whatever the bytes: those of a message are read, with all text in UTF-8, and
// a message whose text is in order stays as it is.
func FuzzMisreading(f *testing.F) {
	for _, m := range []proto.Message{
		&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "n", Labels: map[string]string{"a": "1"}},
		&clouddesktop.UpdateDesktopImageRequest{ImageId: "i", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte{0x22, 2, 'a', 0xff})
	f.Add([]byte{0x4a, 6, 0x0a, 1, 0xff, 0x12, 1, 0xfe})
	f.Add([]byte{0x22, 9, 'a'})
	f.Add([]byte{0x0a, 1, 'a', 0x12, 1, 'b', 0x0b, 0x0c})
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := &clouddesktop.CopyFromDesktopRequest{}
		desc := m.ProtoReflect().Descriptor()
		repaired := repairText(desc, raw)
		if proto.Unmarshal(raw, m) == nil {
			again := &clouddesktop.CopyFromDesktopRequest{}
			if err := proto.Unmarshal(repaired, again); err != nil || !proto.Equal(m, again) {
				t.Errorf("%x is repaired to %x (%v), want the same message", raw, repaired, err)
			}
		}
		read := misreading{message: m, read: []func(protoreflect.MessageDescriptor, []byte) []byte{repairText}}
		if read.decode(bytes.NewReader(raw)) == nil && !utf8.ValidString(m.GetName()+m.GetDesktopId()) {
			t.Errorf("%x has the name %q, want UTF-8", raw, m.GetName())
		}
		if swapped := swapTags(desc, raw); !bytes.Equal(swapTags(desc, swapped), shortest(raw)) {
			t.Errorf("%x with its tags swapped is %x, which swapped again is %x", raw, swapped, swapTags(desc, swapped))
		}
	})
}

// shortest is the message with its tags 1 and 2 in their shortest encoding.
func shortest(raw []byte) []byte {
	return eachField(raw, func(n protowire.Number, t protowire.Type, field []byte) []byte {
		if n != 1 && n != 2 || t == protowire.StartGroupType {
			return field
		}
		_, _, tag := protowire.ConsumeTag(field)
		return append(protowire.AppendTag(nil, n, t), field[tag:]...)
	})
}

func TestSwapTags(t *testing.T) {
	raw := []byte{0x0a, 1, 'a', 0x12, 1, 'b', 0x1a, 1, 'c'}
	want := []byte{0x12, 1, 'a', 0x0a, 1, 'b', 0x1a, 1, 'c'}
	if got := swapTags(nil, raw); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	if got := swapTags(nil, want); !bytes.Equal(got, raw) {
		t.Errorf("got %x, want %x", got, raw)
	}
}
