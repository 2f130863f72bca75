package rules

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func TestEncodingOfAnOperation(t *testing.T) {
	field := func(n protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), value)
	}
	prepended := func(head []byte) func([]byte) []byte {
		return func(raw []byte) []byte { return slices.Concat(head, raw) }
	}
	appended := func(tail []byte) func([]byte) []byte {
		return func(raw []byte) []byte { return slices.Concat(raw, tail) }
	}
	replaced := func(old, with string) func([]byte) []byte {
		return func(raw []byte) []byte {
			if !bytes.Contains(raw, []byte(old)) {
				t.Errorf("%q is not in %q", old, raw)
			}
			return bytes.Replace(raw, []byte(old), []byte(with), 1)
		}
	}
	withoutDone := func(tail ...byte) func([]byte) []byte {
		return func(raw []byte) []byte {
			tags, _ := Tags(raw)
			return append(encodeTags(slices.DeleteFunc(tags, func(t Tag) bool { return t.Number == numberDone })), tail...)
		}
	}
	runMessageCases(t, []messageCase{
		{name: "error, then response", state: "succeeded", raw: prepended(field(8, []byte{8, 13})), want: "OP-18 FAIL"},
		{name: "response, then error", state: "succeeded", raw: appended(field(8, []byte{8, 13})), want: "OP-18 FAIL"},
		{name: "both in progress", state: "failing", raw: appended(field(9, nil)), want: "OP-18 FAIL"},
		{name: "both in JSON", state: "succeeded", wire: overREST, raw: replaced("{", `{"error":{"code":13,"message":"m"},`), want: "OP-18 FAIL"},
		{name: "null beside the response", state: "succeeded", wire: overConnectJSON, raw: replaced("{", `{"error":null,`)},
		{name: "done twice", state: "succeeded", raw: prepended([]byte{0x30, 0}), want: "OP-19 WARNING"},
		{name: "id twice, the last another's", state: "pending", raw: appended(field(1, []byte("fv4other"))), want: "OP-02 FAIL, OP-19 WARNING"},
		{name: "type URL twice", state: "pending", edit: func(m *operation.Operation) { m.Metadata = nil }, raw: appended(field(7, append(field(1, []byte("type.googleapis.com/google.protobuf.Empty")), field(1, []byte("type.googleapis.com/yandex.cloud.clouddesktop.v1.api.CopyFromDesktopMetadata"))...))), want: "OP-15 FAIL, OP-19 WARNING"},
		{name: "two details", state: "failed", edit: func(m *operation.Operation) {
			m.GetError().Details = append(m.GetError().Details, packed(t, &errdetails.QuotaFailure{}))
		}},
		{name: "text of Latin-1", state: "pending", raw: replaced("Work on a desktop image", "Work on a desktop im\xe4ge"), want: "OP-20 FAIL"},
		{name: "Latin-1 in the image", state: "succeeded", raw: replaced("Made by a test", "Made by a t\xe4st"), want: "OP-20 FAIL"},
		{name: "Latin-1 in a label", state: "succeeded", raw: replaced("optest", "opt\xe4st"), want: "OP-20 FAIL"},
		{name: "Latin-1 in JSON", state: "succeeded", wire: overREST, raw: replaced("Made by a test", "Made by a t\xe4st"), want: "OP-20 FAIL"},
		{name: "any characters", state: "pending", edit: func(m *operation.Operation) { m.Description = "\x00😀\u200fé" }},
		{name: "done is 2", state: "succeeded", raw: withoutDone(0x30, 2), want: "OP-21 WARNING"},
		{name: "done in two bytes", state: "succeeded", raw: withoutDone(0x30, 0x81, 0), want: "OP-21 WARNING"},
		{name: "not done, in so many words", state: "pending", raw: withoutDone(0x30, 0)},
	})
}

// Where only the bytes show a breach, an observer that does not see them must not
// pass the rule.
func TestEncodingNeedsBytes(t *testing.T) {
	env, events := messageCase{state: "succeeded"}.events(t)
	env.Header.Sees = content
	for _, r := range Check(env, encodingRules(), events) {
		if r.Verdict != NotApplicable || !strings.Contains(r.Reason, "byte by byte") {
			t.Errorf("%s is %s because %q, want %s for lack of bytes", r.Rule.ID, r.Verdict, r.Reason, NotApplicable)
		}
	}
}

// An answer that nobody can decode is one breach, however often it comes.
func TestTornAnswersAreCountedOnce(t *testing.T) {
	env, events := messageCase{state: "succeeded", raw: func(raw []byte) []byte { return append(raw, 0x42, 0) }}.events(t)
	last := *events[len(events)-1]
	for range 10 {
		again := last
		again.Number++
		again.Called += time.Second
		again.Returned += time.Second
		last = again
		events = append(events, &again)
	}
	for _, r := range Check(env, encodingRules(), events) {
		if r.Rule.ID == "OP-18" && r.Errors != 1 {
			t.Errorf("%d errors, want 1: %s", r.Errors, describe(r))
		}
	}
}

// operationDrawn is an operation with text of any characters.
func operationDrawn(t *rapid.T) *operation.Operation {
	text := rapid.StringN(1, 20, -1)
	return &operation.Operation{
		Id: text.Draw(t, "id"), Description: text.Draw(t, "description"), CreatedBy: text.Draw(t, "creator"),
		Done: rapid.Bool().Draw(t, "done"),
	}
}

func TestRightEncodingsPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := proto.Marshal(operationDrawn(t))
		if err != nil {
			t.Fatal(err)
		}
		tags, ok := Tags(raw)
		if !ok {
			t.Fatalf("% x are no fields", raw)
		}
		if again := encodeTags(tags); !bytes.Equal(again, raw) {
			t.Fatalf("encoded anew % x, want % x", again, raw)
		}
		if path := textFault(operationDesc, raw); path != "" {
			t.Fatalf("%s of % x is said to be no UTF-8", path, raw)
		}
		if path := twiceIn(operationDesc, tags, maxDepth); path != "" {
			t.Fatalf("%s of % x is said to be there twice", path, raw)
		}
	})
}

func TestWrongEncodingsAreFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := operationDrawn(t)
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		broken := slices.Clone(raw)
		broken[2+rapid.IntRange(0, len(m.GetId())-1).Draw(t, "byte")] = 0xff // of the id, which comes first
		if path := textFault(operationDesc, broken); path != "id" {
			t.Errorf("text that is not UTF-8 is at %q, want id", path)
		}
		tags, _ := Tags(raw)
		again := rapid.IntRange(0, len(tags)-1).Draw(t, "again")
		twice := slices.Insert(slices.Clone(tags), rapid.IntRange(0, len(tags)).Draw(t, "at"), tags[again])
		if path := twiceIn(operationDesc, twice, maxDepth); path == "" {
			t.Errorf("field %d is not found to be there twice", tags[again].Number)
		}
	})
}

func FuzzEncoding(f *testing.F) {
	m := &operation.Operation{Id: "fv4", Description: "ä", Done: true, Result: &operation.Operation_Response{}}
	raw, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("\x12\x01\xff"))
	f.Add([]byte("\x3a\x04\x0a\x02/\xff"))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Add([]byte("\x0b\x0c\x30\x80\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := proto.Unmarshal(raw, &operation.Operation{})
		tags, ok := Tags(raw)
		if !ok && err == nil {
			t.Errorf("% x decode and are said to be no fields", raw)
		}
		if err != nil && strings.Contains(err.Error(), "UTF-8") && textFault(operationDesc, raw) == "" {
			t.Errorf("% x do not decode for text (%v), and no text is found to be wrong", raw, err)
		}
		hasBoth(raw)
		twiceIn(operationDesc, tags, maxDepth)
	})
}
