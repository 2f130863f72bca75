package constraint

import (
	"testing"

	clouddesktop "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/proto"
)

func BenchmarkCheck(b *testing.B) {
	for _, bc := range []struct {
		name string
		m    proto.Message
	}{
		{"valid", &clouddesktop.CopyFromDesktopRequest{FolderId: "folder", Name: "image", DesktopId: "desktop", Description: "nightly"}},
		{"valid with 3 labels", &clouddesktop.CopyFromDesktopRequest{DesktopId: "desktop", Labels: labels(3)}},
		{"valid with 64 labels", &clouddesktop.CopyFromDesktopRequest{DesktopId: "desktop", Labels: labels(64)}},
		{"get", &clouddesktop.GetDesktopImageRequest{ImageId: "image"}},
		{"one violation", &clouddesktop.CopyFromDesktopRequest{}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Check(bc.m)
			}
		})
	}
}

// A server checks every request, so that a valid one must cost next to nothing.
func TestValidRequestAllocates(t *testing.T) {
	m := &clouddesktop.CopyFromDesktopRequest{FolderId: "folder", Name: "image", DesktopId: "desktop", Description: "nightly"}
	if got := testing.AllocsPerRun(100, func() { Check(m) }); got > 2 {
		t.Errorf("got %v allocations, want at most 2", got)
	}
}
