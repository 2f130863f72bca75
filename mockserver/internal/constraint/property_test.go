package constraint

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	clouddesktop "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// text draws a string of code points of all widths, by its length in them.
func text(t *rapid.T, label string, least, most int) string {
	runes := rapid.RuneFrom([]rune{'a', 'ж', '日', '😀', '\u0301', '\U0010FFFF', '\n', 0})
	return rapid.StringOfN(runes, least, most, -1).Draw(t, label)
}

func drawValid(t *rapid.T) *clouddesktop.CopyFromDesktopRequest {
	return &clouddesktop.CopyFromDesktopRequest{
		FolderId:    text(t, "folder", 0, 50),
		Name:        text(t, "name", 0, 50),
		DesktopId:   text(t, "desktop", 1, 50),
		Description: text(t, "description", 0, 1024),
		Labels: rapid.MapOfN(rapid.StringMatching(`[a-z][-_0-9a-z]{0,62}`), rapid.StringMatching(`[-_0-9a-z]{0,63}`), 0, 64).
			Draw(t, "labels"),
	}
}

func TestValidRequestsAreAccepted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawValid(t)
		before := proto.Clone(m)
		if got := found(m); got != nil {
			t.Errorf("got %q, want none", got)
		}
		if !proto.Equal(before, m) {
			t.Error("Check changed the request")
		}
	})
}

// One change that breaks one limit is refused with that field, and no other.
func TestOneBreachIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawValid(t)
		keys := make([]string, 0, len(m.Labels))
		for k := range m.Labels {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		breaches := map[string]func() (field string){
			"folder":        func() string { m.FolderId = text(t, "long", 51, 60); return "folder_id" },
			"name":          func() string { m.Name = text(t, "long", 51, 60); return "name" },
			"desktop":       func() string { m.DesktopId = text(t, "long", 51, 60); return "desktop_id" },
			"no desktop":    func() string { m.DesktopId = ""; return "desktop_id" },
			"description":   func() string { m.Description = text(t, "long", 1025, 1030); return "description" },
			"long key":      func() string { k := strings.Repeat("z", 64); m.Labels[k] = ""; return `labels["` + k + `"]` },
			"upper key":     func() string { m.Labels["aZ"] = ""; return `labels["aZ"]` },
			"digit key":     func() string { m.Labels["1"] = ""; return `labels["1"]` },
			"value of key":  func() string { m.Labels["z"] = strings.Repeat("v", 64); return `labels["z"]` },
			"capital value": func() string { m.Labels["z"] = "vV"; return `labels["z"]` },
		}
		names := make([]string, 0, len(breaches))
		for name := range breaches {
			names = append(names, name)
		}
		slices.Sort(names)
		if m.Labels == nil {
			m.Labels = map[string]string{}
		}
		if len(keys) == 64 {
			delete(m.Labels, keys[0]) // room for the label at fault
		}
		field := breaches[rapid.SampledFrom(names).Draw(t, "breach")]()
		got := Check(m)
		if len(got) != 1 || got[0].GetField() != field {
			t.Errorf("got %v, want one violation of %s", got, field)
		}
	})
}

// The length of a text is the number of its code points, which a decoder that
// reads them one by one confirms, for valid and for invalid UTF-8.
func TestLengthAgainstADecoder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.Map(rapid.IntRange(45, 55), func(n int) string { return strings.Repeat("😀", n) }),
		).Draw(t, "text")
		count := 0
		for rest := s; rest != ""; count++ {
			_, width := utf8.DecodeRuneInString(rest)
			rest = rest[width:]
		}
		got := Check(&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: s})
		if refused := len(got) > 0; refused != (count > 50) {
			t.Errorf("%d code points: got %v", count, got)
		}
		checkBounds(t, got)
	})
}

// Whatever arrives as bytes is judged without a panic, within the bounds, twice
// the same.
func TestAnyRequestIsJudged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dirty := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 80), func(b []byte) string { return string(b) }))
		m := &clouddesktop.CopyFromDesktopRequest{
			FolderId: dirty.Draw(t, "folder"), Name: dirty.Draw(t, "name"), DesktopId: dirty.Draw(t, "desktop"),
			Labels: rapid.MapOfN(dirty, dirty, 0, 80).Draw(t, "labels"),
		}
		got := Check(m)
		checkBounds(t, got)
		if again := Check(m); !slices.EqualFunc(got, again, func(a, b *errdetails.BadRequest_FieldViolation) bool { return proto.Equal(a, b) }) {
			t.Errorf("got %v, then %v", got, again)
		}
	})
}
