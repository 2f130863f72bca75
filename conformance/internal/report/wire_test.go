package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var operationDesc = (&operation.Operation{}).ProtoReflect().Descriptor()

// lines are rows as text: byte, hex, field, value and what is odd.
func lines(rows []row) string {
	var list []string
	for _, r := range rows {
		text := strings.Repeat("  ", r.Depth) + strings.TrimSpace(r.Hex+" "+r.Field+" = "+r.Value)
		if r.Odd != "" {
			text += " !" + r.Odd
		}
		list = append(list, text)
	}
	return strings.Join(list, "\n")
}

func TestDissect(t *testing.T) {
	str := func(n protowire.Number, text string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), text)
	}
	num := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
	}
	any := func(url string, value []byte) []byte { return slices.Concat(str(1, url), str(2, string(value))) }
	const image = "type.googleapis.com/yandex.cloud.clouddesktop.v1.api.DesktopImage"
	for _, tt := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"nothing", nil, ""},
		{"right", slices.Concat(str(1, "id"), num(6, 1)), "0a 02 69 64 id = \"id\"\n30 01 done = true"},
		{"a time", str(3, "\x08\x01"), `1a 02 08 01 created_at = 1970-01-01T00:00:01Z`},
		{"no time that there is", str(3, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "1a 0b 10 ff ff ff ff ff ff ff ff ff 01 created_at = no valid time: 0 seconds and -1 nanoseconds !google.protobuf.Timestamp is from year 1 to 9999, with 0 to 999,999,999 nanoseconds"},
		{"no time at all", str(3, "\x0f"), "1a 01 created_at = Timestamp\n  0f ? = 1 byte !this is no field: it is cut off or damaged"},
		{"both", slices.Concat(str(8, "\x08\x0d"), str(9, "")), "42 02 error = Status !only one of the members of result may be there\n  08 0d code = 13\n4a 00 response = Any !only one of the members of result may be there"},
		{"twice", slices.Concat(num(6, 0), num(6, 1)), "30 00 done = false !done is there more than once\n30 01 done = true !done is there more than once"},
		{"no UTF-8", str(1, "\xff"), "0a 01 ff id = \"\ufffd\" !this is not UTF-8"},
		{"a bool of 2", num(6, 2), "30 02 done = true !a bool is 0 or 1, and this is 2"},
		{"a long bool", []byte{0x30, 0x81, 0x00}, "30 81 00 done = true !the number takes more bytes than it needs"},
		{"unknown", slices.Concat(num(100, 5), str(101, "text"), str(102, "\x00\x01")), "a0 06 05 100 = 5 !the schema has no field 100\naa 06 04 74 65 78 74 101 = \"text\" !the schema has no field 101\nb2 06 02 00 01 102 = 2 bytes !the schema has no field 102"},
		{"of another type", num(1, 5), "08 05 id = 5 !a field of type string can't be encoded so"},
		{"cut off", str(1, "identity")[:5], "0a 08 69 64 65 ? = 5 bytes !this is no field: it is cut off or damaged"},
		{
			"in an Any", str(9, string(any(image, slices.Concat(str(1, "fd8"), num(5, 99), str(13, "\x0a\x01k\x12\x01v"))))),
			"4a 54 response = Any\n  0a 41 74 79 70 65 … type_url = \"" + image + "\"\n  12 0f value = DesktopImage\n    0a 03 66 64 38 id = \"fd8\"\n    28 63 status = 99 !Status has no value 99\n    6a 06 labels = entry\n      0a 01 6b key = \"k\"\n      12 01 76 value = \"v\"",
		},
		{"an Any of nobody", str(9, string(any("x/y.Z", []byte{1, 2}))), "4a 0b response = Any\n  0a 05 78 2f 79 2e … type_url = \"x/y.Z\"\n  12 02 01 02 value = \"\ufffd\ufffd\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, whole := dissect(tt.raw, operationDesc)
			if got := lines(rows); got != tt.want || !whole {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// What a right server encodes has nothing odd about it.
func TestDissectOfRightMessages(t *testing.T) {
	s := newSample(t)
	for _, m := range []proto.Message{
		s.op(1), s.done(2), &clouddesktop.DesktopImage{Id: "x", StorageSize: -1, CreatedAt: timestamppb.Now(), Labels: map[string]string{"a": "", "b": "c"}},
		&clouddesktop.ListDesktopImagesResponse{DesktopImages: []*clouddesktop.DesktopImage{{Id: "x"}, {Id: "y"}}, NextPageToken: "z"},
	} {
		rows, whole := dissect(s.encoded(m), m.ProtoReflect().Descriptor())
		if strings.Contains(lines(rows), "!") || !whole || len(rows) == 0 {
			t.Errorf("got\n%s", lines(rows))
		}
		rows, whole = dissectJSON([]byte(compact(m)), m.ProtoReflect().Descriptor())
		if strings.Contains(lines(rows), "!") || !whole || len(rows) == 0 {
			t.Errorf("got\n%s", lines(rows))
		}
	}
}

func TestDissectJSON(t *testing.T) {
	const typed = `"response":{"@type":"type.googleapis.com/yandex.cloud.clouddesktop.v1.api.DesktopImage",`
	for _, tt := range []struct{ name, json, odd string }{
		{"right", `{"id":"x","done":true,` + typed + `"status":"ACTIVE","storageSize":"5","labels":{"snake_case":"1"}},"createdAt":"2026-03-05T12:00:00.123Z"}`, ""},
		{"null beside the other", `{"error":null,"response":{}}`, ""},
		{"both", `{"error":{},"response":{}}`, "error: only one of the members of result may be there; response: only one of the members of result may be there"},
		{"snake case", `{"created_by":"x"}`, "created_by: its name in JSON is createdBy"},
		{"unknown", `{"x":{"y":[1,{"z":2}]}}`, "x: the schema has no field x"},
		{"twice", `{"id":"a","id":"b"}`, "id: id is there more than once; id: id is there more than once"},
		{"a time without Z", `{"createdAt":"2026-03-05T12:00:00+00:00"}`, "createdAt: a time ends in Z and has 0, 3, 6 or 9 digits after the second"},
		{"a time of two digits", `{"createdAt":"2026-03-05T12:00:00.12Z"}`, "createdAt: a time ends in Z and has 0, 3, 6 or 9 digits after the second"},
		{"epoch", `{"createdAt":1772712000}`, "createdAt: a time is text as in RFC 3339"},
		{"number", `{` + typed + `"storageSize":5}}`, "storageSize: a number of 64 bits is written in quotes"},
		{"enum by number", `{` + typed + `"status":2}}`, "status: an enum's value is written by its name"},
		{"enum of nobody", `{` + typed + `"status":"NEW"}}`, "status: Status has no value of that name"},
		{"labels as text", `{` + typed + `"labels":"string"}}`, "labels: a map is an object"},
		{"a message as text", `{"error":"text"}`, "error: a message is an object"},
		{"a list for one", `{"id":["x"]}`, "id: a field of type string can't be encoded so"},
		{"an object for text", `{"id":{}}`, "id: a field of type string can't be encoded so"},
		{"a bool as text", `{"done":"true"}`, "done: a bool is true or false"},
		{"text as a number", `{"id":5}`, "id: text is written in quotes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rows, whole := dissectJSON([]byte(tt.json), operationDesc)
			var list []string
			for _, r := range rows {
				if r.Odd != "" {
					list = append(list, r.Field+": "+r.Odd)
				}
			}
			if got := strings.Join(list, "; "); got != tt.odd || !whole {
				t.Errorf("got %s, whole %v\nwant %s", got, whole, tt.odd)
			}
		})
	}
	for _, text := range []string{"", "x", "[1]", `{"id":`, `{"id":}`, `{"a":{"b":1}`} {
		if _, whole := dissectJSON([]byte(text), operationDesc); whole {
			t.Errorf("%s is taken for a whole message", text)
		}
	}
}

func FuzzDissect(f *testing.F) {
	s := newSample(f)
	f.Add(s.encoded(s.done(1)))
	f.Add([]byte(compact(s.done(1))))
	f.Add([]byte(`{"response":{"@type":"x"},"a":[[[{}]]]}`))
	f.Add([]byte{0x4a, 0x05, 0x12, 0x03, 0x0a, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		for name, take := range map[string]func([]byte, protoreflect.MessageDescriptor) ([]row, bool){"binary": dissect, "JSON": dissectJSON} {
			rows, _ := take(raw, operationDesc)
			if len(rows) > maxRows {
				t.Fatalf("%s: got %d rows, want at most %d", name, len(rows), maxRows)
			}
			for i, r := range rows {
				if r.Offset < 0 || r.Offset > len(raw) || r.Depth > maxDepth+1 || strings.ContainsFunc(r.Field+r.Value+r.Odd, odd) {
					t.Fatalf("%s: got %+v", name, r)
				}
				if i > 0 && r.Offset < rows[i-1].Offset {
					t.Fatalf("%s: got %+v after %+v", name, r, rows[i-1])
				}
			}
		}
	})
}
