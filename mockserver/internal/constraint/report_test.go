package constraint

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	clouddesktop "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"
)

// checkBounds holds what Check promises of every answer.
func checkBounds(t rapid.TB, violations []*errdetails.BadRequest_FieldViolation) {
	t.Helper()
	if len(violations) > maxViolations+1 {
		t.Errorf("got %d violations, want at most %d and a count", len(violations), maxViolations)
	}
	raw, err := proto.Marshal(&errdetails.BadRequest{FieldViolations: violations})
	if err != nil {
		t.Errorf("the violations cannot be sent: %v", err)
	}
	if limit := maxBytes + 8*maxViolations + 50; len(raw) > limit {
		t.Errorf("got %d bytes, want at most %d", len(raw), limit)
	}
	for _, v := range violations {
		if len(v.GetField()) > maxPath || len(v.GetDescription()) > maxText || v.GetDescription() == "" {
			t.Errorf("field of %d bytes and description of %d, want 0 to %d and 1 to %d",
				len(v.GetField()), len(v.GetDescription()), maxPath, maxText)
		}
	}
}

func TestViolationsAreCountedBeyondTheBound(t *testing.T) {
	md := schema(t, message("M", many("string", "f", length(">0"))))
	for _, tc := range []struct {
		broken int
		last   string
	}{
		{1, "length must be more than 0 characters, got 0"},
		{maxViolations, "length must be more than 0 characters, got 0"},
		{maxViolations + 1, "1 more violation is left out"},
		{100_000, strconv.Itoa(100_000-maxViolations) + " more violations are left out"},
	} {
		m := dynamicpb.NewMessage(md)
		list := m.Mutable(md.Fields().Get(0)).List()
		for range tc.broken {
			list.Append(protoreflect.ValueOfString(""))
		}
		got := Check(m)
		checkBounds(t, got)
		if last := got[len(got)-1].GetDescription(); last != tc.last {
			t.Errorf("%d broken: last is %q, want %q", tc.broken, last, tc.last)
		}
		if n := min(tc.broken, maxViolations); got[n-1].GetField() != "f["+strconv.Itoa(n-1)+"]" {
			t.Errorf("%d broken: number %d is of %q", tc.broken, n, got[n-1].GetField())
		}
	}
}

func TestLongTextsAreBounded(t *testing.T) {
	labels := map[string]string{}
	for i := range 40 {
		labels[strings.Repeat("Ж", 5_000)+strconv.Itoa(i)] = strings.Repeat("V", 1_000_000)
	}
	got := Check(&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Labels: labels})
	checkBounds(t, got)
	if want := `labels["` + strings.Repeat("Ж", 30) + `…"]`; got[0].GetField() != want {
		t.Errorf("got field %q, want %q", got[0].GetField(), want)
	}
	if !strings.HasSuffix(got[len(got)-1].GetDescription(), " more violations are left out") {
		t.Errorf("last is %v, want a count", got[len(got)-1])
	}
	for _, v := range got {
		if strings.Contains(v.GetDescription(), "VV") {
			t.Fatalf("a value is echoed: %.100s", v.GetDescription())
		}
	}
}

// Quoting makes these keys four times as long, so that the bytes end the answer
// before the number does.
func TestAnswerIsBoundedInBytes(t *testing.T) {
	labels := map[string]string{}
	for i := range 40 {
		labels[strings.Repeat("\xff", 60)+strconv.Itoa(i)] = ""
	}
	got := Check(&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Labels: labels})
	checkBounds(t, got)
	shown := len(got) - 1
	if want := strconv.Itoa(40-shown) + " more violations are left out"; shown < 8 || got[shown].GetDescription() != want {
		t.Errorf("got %d violations and %q, want %q", shown, got[shown].GetDescription(), want)
	}
}

func TestInvalidUTF8(t *testing.T) {
	bad := strings.Repeat("\xff", 70)
	m := &clouddesktop.CopyFromDesktopRequest{
		DesktopId: bad, Name: "ok\x80", FolderId: "\xed\xa0\x80",
		Labels: map[string]string{bad: bad, "\xc3": "x"},
	}
	got := Check(m)
	checkBounds(t, got)
	fields := map[string]string{}
	for _, v := range got {
		if !utf8.ValidString(v.GetField()) || !utf8.ValidString(v.GetDescription()) {
			t.Errorf("got %q, want valid UTF-8", v)
		}
		fields[v.GetField()] = v.GetDescription()
	}
	if want := "length must be at most 50 characters, got 70"; fields["desktop_id"] != want {
		t.Errorf("desktop_id: got %q, want %q", fields["desktop_id"], want)
	}
	if _, ok := fields[`labels["\xc3"]`]; !ok {
		t.Errorf("got %q, want a violation of the label", fields)
	}

	md := schema(t, message("M", many(".t.N", "n", unique())), message("N", one("string", "s")))
	list := dynamicpb.NewMessage(md)
	for range 3 {
		n := list.Mutable(md.Fields().Get(0)).List().AppendMutable().Message()
		n.Set(n.Descriptor().Fields().Get(0), protoreflect.ValueOfString("\xff"))
	}
	if got := Check(list); got != nil {
		t.Errorf("messages that have no encoding: got %v, want none", got)
	}
}

func TestDepthIsBounded(t *testing.T) {
	md := schema(t, message("Node", one(".t.Node", "next"), one("string", "s", length("<=1"))))
	next, s := md.Fields().Get(0), md.Fields().Get(1)
	chain := func(depth int) proto.Message {
		root := dynamicpb.NewMessage(md)
		var m protoreflect.Message = root
		for range depth - 1 {
			m = m.Mutable(next).Message()
		}
		m.Set(s, protoreflect.ValueOfString("ab"))
		return root
	}
	deepest := Check(chain(maxDepth + 1))
	checkBounds(t, deepest)
	if len(deepest) != 1 || deepest[0].GetDescription() != "length must be at most 1 character, got 2" || !strings.HasSuffix(deepest[0].GetField(), ".next.s") {
		t.Errorf("100 levels below the request: got %v, want the length", deepest)
	}
	for _, depth := range []int{maxDepth + 2, 5_000} {
		got := Check(chain(depth))
		checkBounds(t, got)
		if len(got) != 1 || got[0].GetDescription() != "must not be nested deeper than 100 messages" {
			t.Errorf("%d levels: got %v, want a refusal of the depth", depth, got)
		}
		if path := got[0].GetField(); !strings.HasPrefix(path, "…") || !strings.HasSuffix(path, "next.next") {
			t.Errorf("%d levels: got path %q, want its end", depth, path)
		}
	}
}

func TestOnlyBrokenRepeatsOfManyAreNamed(t *testing.T) {
	md := schema(t, withMap(message("M", many("string", "f", unique())), "string", "string", "m", key(&cloud.MapKeySpec{Length: "<=3"})))
	m := dynamicpb.NewMessage(md)
	list := m.Mutable(md.Fields().Get(0)).List()
	for i := range 50_000 {
		list.Append(protoreflect.ValueOfString(strconv.Itoa(i)))
	}
	if got := found(m); got != nil {
		t.Errorf("got %q, want none", got)
	}
	list.Append(protoreflect.ValueOfString("777"))
	if got := found(m); len(got) != 1 || got[0] != "f[50000]: must be unique, got the same as f[777]" {
		t.Errorf("got %q, want the repeat", got)
	}
}

func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdefg", 6, "abc…"},
		{"жжжж", 6, "ж…"},
		{"😀😀", 7, "😀…"},
		{"😀😀", 6, "…"},
		{"\x80\x80\x80\x80\x80\x80\x80", 6, "…"},
	} {
		if got := shorten(tc.in, tc.limit); got != tc.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", tc.in, tc.limit, got, tc.want)
		}
	}
}
