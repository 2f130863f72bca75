package drift

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

func TestDiffCatches(t *testing.T) {
	for _, tc := range edits {
		t.Run(tc.name, func(t *testing.T) {
			ours := descriptor(t, tc.file)
			found := Diff(ours, edited(t, ours, tc.edit))
			var got []string
			for _, d := range found {
				got = append(got, strings.TrimPrefix(d.String(), tc.file+": "))
				if tc.kind != mixed && d.Kind != tc.kind {
					t.Errorf("kind of %q: got %s, want %s", d, d.Kind, tc.kind)
				}
				if strings.ContainsRune(d.String(), '\n') {
					t.Errorf("difference %q: got several lines, want one", d)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

// What neither the wire nor JSON nor a generated package shows is no difference.
func TestDiffIgnores(t *testing.T) {
	tests := map[string]func(*descriptorpb.FileDescriptorProto){
		"nothing changed":   func(*descriptorpb.FileDescriptorProto) {},
		"order of messages": func(f *descriptorpb.FileDescriptorProto) { slices.Reverse(f.MessageType) },
		"order of fields":   func(f *descriptorpb.FileDescriptorProto) { slices.Reverse(message(f, "CopyDesktopImageRequest").Field) },
		"order of methods":  func(f *descriptorpb.FileDescriptorProto) { slices.Reverse(f.Service[0].Method) },
		"order of imports":  func(f *descriptorpb.FileDescriptorProto) { slices.Reverse(f.Dependency) },
		"an import more": func(f *descriptorpb.FileDescriptorProto) {
			f.Dependency = append(f.Dependency, "google/protobuf/any.proto")
		},
		"a range in pieces": func(f *descriptorpb.FileDescriptorProto) { split(message(f, "CopyFromDesktopRequest")) },
		"json name left out": func(f *descriptorpb.FileDescriptorProto) {
			field(f, "CopyFromDesktopRequest", "folder_id").JsonName = nil
		},
		"label left out": func(f *descriptorpb.FileDescriptorProto) { field(f, "CopyFromDesktopRequest", "folder_id").Label = nil },
		"an empty option set": func(f *descriptorpb.FileDescriptorProto) {
			method(f, "Get").Options = proto.CloneOf(method(f, "Get").Options)
		},
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			ours := descriptor(t, serviceFile)
			for _, d := range Diff(ours, edited(t, ours, edit)) {
				t.Errorf("got a difference, want none: %s", d)
			}
		})
	}
}

// Seen from the other side the same places differ: additions are removals, and changes are changes. A reservation that a field
// takes is the one thing that only its holder sees.
func TestDiffIsSymmetric(t *testing.T) {
	swapped := map[Kind]Kind{Changed: Changed, Added: Removed, Removed: Added}
	for _, tc := range edits {
		if strings.Contains(tc.name, "reserved number") {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			ours := descriptor(t, tc.file)
			theirs := edited(t, ours, tc.edit)
			there := make(map[Difference]bool)
			for _, d := range Diff(ours, theirs) {
				there[d] = true
			}
			back := Diff(theirs, ours)
			for _, d := range back {
				d.Kind, d.Ours, d.Theirs = swapped[d.Kind], d.Theirs, d.Ours
				if !there[d] {
					t.Errorf("difference %q is seen from one side only, want it from both", d)
				}
			}
			if len(back) != len(there) {
				t.Errorf("differences seen from the other side: got %d, want %d", len(back), len(there))
			}
		})
	}
}
