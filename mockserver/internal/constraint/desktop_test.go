package constraint

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	clouddesktop "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func labels(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m["k"+strconv.Itoa(i)] = "v"
	}
	return m
}

func TestDesktopImageRequests(t *testing.T) {
	type copyFrom = clouddesktop.CopyFromDesktopRequest
	label := func(key, value string) *copyFrom {
		return &copyFrom{DesktopId: "d", Labels: map[string]string{key: value}}
	}
	rep := strings.Repeat
	for _, tc := range []struct {
		name string
		m    proto.Message
		want []string
	}{
		{"only the required field", &copyFrom{DesktopId: "d"}, nil},
		{"nothing", &copyFrom{}, []string{"desktop_id: required, got an empty string"}},
		{"a nil message", (*copyFrom)(nil), []string{"desktop_id: required, got an empty string"}},
		{"white space is not nothing", &copyFrom{DesktopId: " "}, nil},
		{"50 of one byte", &copyFrom{DesktopId: rep("a", 50), FolderId: rep("b", 50), Name: rep("c", 50)}, nil},
		{"50 of two bytes", &copyFrom{DesktopId: rep("ж", 50), FolderId: rep("ж", 50), Name: rep("ж", 50)}, nil},
		{"50 of four bytes", &copyFrom{DesktopId: rep("😀", 50), FolderId: rep("😀", 50), Name: rep("😀", 50)}, nil},
		{"51 of one byte", &copyFrom{DesktopId: rep("a", 51)}, []string{"desktop_id: length must be at most 50 characters, got 51"}},
		{"51 of two bytes", &copyFrom{DesktopId: "d", FolderId: rep("ж", 51)}, []string{"folder_id: length must be at most 50 characters, got 51"}},
		{"51 of four bytes", &copyFrom{DesktopId: "d", Name: rep("😀", 51)}, []string{"name: length must be at most 50 characters, got 51"}},
		{"all too long, in field order", &copyFrom{DesktopId: rep("a", 53), FolderId: rep("a", 51), Name: rep("a", 52)}, []string{
			"folder_id: length must be at most 50 characters, got 51",
			"name: length must be at most 50 characters, got 52",
			"desktop_id: length must be at most 50 characters, got 53",
		}},
		{"64 labels", &copyFrom{DesktopId: "d", Labels: labels(64)}, nil},
		{"65 labels", &copyFrom{DesktopId: "d", Labels: labels(65)}, []string{"labels: must have at most 64 entries, got 65"}},
		{"no label key", label("", "v"), []string{
			`labels[""]: key length must be from 1 to 63 characters, got 0`,
			`labels[""]: key must match the pattern [a-z][-_0-9a-z]* as a whole`,
		}},
		{"upper case label key", label("A", "v"), []string{`labels["A"]: key must match the pattern [a-z][-_0-9a-z]* as a whole`}},
		{"label key with a good start", label("aB", "v"), []string{`labels["aB"]: key must match the pattern [a-z][-_0-9a-z]* as a whole`}},
		{"label key with a good end", label("Ba", "v"), []string{`labels["Ba"]: key must match the pattern [a-z][-_0-9a-z]* as a whole`}},
		{"label key with a line break", label("a\n", "v"), []string{`labels["a\n"]: key must match the pattern [a-z][-_0-9a-z]* as a whole`}},
		{"label key of 63", label(rep("a", 63), "v"), nil},
		{"label key of 64", label(rep("a", 64), "v"), []string{`labels["` + rep("a", 64) + `"]: key length must be from 1 to 63 characters, got 64`}},
		{"label value of 63", label("a", rep("v", 63)), nil},
		{"label value of 64", label("a", rep("v", 64)), []string{`labels["a"]: length must be at most 63 characters, got 64`}},
		{"empty label value", label("a", ""), nil},
		{"label value may start with a digit", label("a", "-_09az"), nil},
		{"upper case label value", label("a", "V"), []string{`labels["a"]: must match the pattern [-_0-9a-z]* as a whole`}},
		{"labels in the order of keys", &copyFrom{DesktopId: "d", Labels: map[string]string{"c": "V", "B": "v", "a": "V"}}, []string{
			`labels["B"]: key must match the pattern [a-z][-_0-9a-z]* as a whole`,
			`labels["a"]: must match the pattern [-_0-9a-z]* as a whole`,
			`labels["c"]: must match the pattern [-_0-9a-z]* as a whole`,
		}},
		{"description of 1024", &copyFrom{DesktopId: "d", Description: rep("ж", 1024)}, nil},
		{"description of 1025", &copyFrom{DesktopId: "d", Description: rep("ж", 1025)}, []string{"description: length must be at most 1024 characters, got 1025"}},
		{"composed characters count by code point", &copyFrom{DesktopId: rep("e\u0301", 25)}, nil},
		{"and one more is too many", &copyFrom{DesktopId: rep("e\u0301", 25) + "x"}, []string{"desktop_id: length must be at most 50 characters, got 51"}},

		{"copy needs three fields", &clouddesktop.CopyDesktopImageRequest{}, []string{
			"folder_id: required, got an empty string", "name: required, got an empty string", "image_id: required, got an empty string",
		}},
		{"copy with them", &clouddesktop.CopyDesktopImageRequest{FolderId: "f", Name: "n", ImageId: "i"}, nil},
		{"list", &clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageSize: 1000, PageToken: rep("t", 100)}, nil},
		{"list beyond its limits", &clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageSize: 1001, PageToken: rep("t", 101), Filter: rep("f", 1001), OrderBy: rep("o", 101)}, []string{
			"page_size: must be from 0 to 1000, got 1001",
			"page_token: length must be at most 100 characters, got 101",
			"filter: length must be at most 1000 characters, got 1001",
			"order_by: length must be at most 100 characters, got 101",
		}},
		{"list with a negative page", &clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageSize: -1}, []string{"page_size: must be from 0 to 1000, got -1"}},
		{"get", &clouddesktop.GetDesktopImageRequest{ImageId: "i"}, nil},
		{"get without id", &clouddesktop.GetDesktopImageRequest{}, []string{"image_id: required, got an empty string"}},
		{"an id without a limit", &clouddesktop.GetDesktopImageRequest{ImageId: rep("i", 5000)}, nil},
		{"delete without id", &clouddesktop.DeleteDesktopImageRequest{}, []string{"image_id: required, got an empty string"}},
		{"update", &clouddesktop.UpdateDesktopImageRequest{ImageId: "i", Name: "n", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}}, nil},
		{"a mask does not excuse the id", &clouddesktop.UpdateDesktopImageRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}}, []string{"image_id: required, got an empty string"}},
		{"a mask does not excuse what is sent", &clouddesktop.UpdateDesktopImageRequest{
			ImageId: "i", Description: rep("d", 1025), Labels: labels(65),
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}},
		}, []string{
			"labels: must have at most 64 entries, got 65",
			"description: length must be at most 1024 characters, got 1025",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := found(tc.m); !slices.Equal(got, tc.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tc.want, "\n\t"))
			}
		})
	}
}

func TestNothingToCheck(t *testing.T) {
	if got := Check(nil); got != nil {
		t.Errorf("no message: got %v, want none", got)
	}
	if got := Check(&fieldmaskpb.FieldMask{Paths: []string{"x"}}); got != nil {
		t.Errorf("a message without options: got %v, want none", got)
	}
}
