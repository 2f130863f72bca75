package constraint

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestFieldOptions(t *testing.T) {
	const (
		duration  = ".google.protobuf.Duration"
		timestamp = ".google.protobuf.Timestamp"
		int64Box  = ".google.protobuf.Int64Value"
		doubleBox = ".google.protobuf.DoubleValue"
		stringBox = ".google.protobuf.StringValue"
	)
	for _, tc := range []struct {
		name  string
		field *fieldPB
		text  string
		want  string // the one violation, or nothing
	}{
		{"required string", one("string", "f", required()), ``, "f: required, got an empty string"},
		{"required bytes", one("bytes", "f", required()), ``, "f: required, got no bytes"},
		{"required number", one("int64", "f", required()), `f: 0`, "f: required, got 0"},
		{"required enum", one("enum .t.Action", "f", required()), ``, "f: required, got ACTION_UNSPECIFIED"},
		{"required enum with an unknown value", one("enum .t.Action", "f", required()), `f: 77`, ""},
		{"required message", one(duration, "f", required()), ``, "f: required, got none"},
		{"required message, empty", one(duration, "f", required()), `f {}`, ""},
		{"required list", many("string", "f", required()), ``, "f: required, got no entries"},
		{"required list of one empty string", many("string", "f", required()), `f: ""`, ""},
		{"required list reports its absence once", many("string", "f", required(), size(">0")), ``, "f: required, got no entries"},
		{"required wrapper of zero", one(int64Box, "f", required()), `f { value: 0 }`, ""},
		{"required set to false binds nothing", one("string", "f", with(cloud.E_Required, false)), ``, ""},

		{"absent string has no minimum", one("string", "f", length("1-63"), matching("[a-z]+")), `f: ""`, ""},
		{"length from", one("string", "f", length("3-5")), `f: "жж"`, "f: length must be from 3 to 5 characters, got 2"},
		{"length to", one("string", "f", length("3-5")), `f: "жжжжж"`, ""},
		{"exact length", one("string", "f", length("20")), `f: "x"`, "f: length must be exactly 20 characters, got 1"},
		{"one character", one("string", "f", length("<=1")), `f: "xx"`, "f: length must be at most 1 character, got 2"},
		{"length below", one("string", "f", length("<3")), `f: "abc"`, "f: length must be fewer than 3 characters, got 3"},
		{"length at least", one("string", "f", length(">=3")), `f: "ab"`, "f: length must be at least 3 characters, got 2"},
		{"one of two lengths", one("string", "f", length("0,3")), `f: "eng"`, ""},
		{"neither of two lengths", one("string", "f", length("0,3")), `f: "en"`, "f: length must be 0 or 3 characters, got 2"},
		{"length of bytes counts bytes", one("bytes", "f", length("<=3")), `f: "жж"`, "f: length must be at most 3 bytes, got 4"},
		{"length of each element", many("string", "f", length(">0")), `f: "a" f: "" f: "b"`, "f[1]: length must be more than 0 characters, got 0"},
		{"length in a wrapper", one(stringBox, "f", length("<=2")), `f { value: "abc" }`, "f: length must be at most 2 characters, got 3"},
		{"a wrapper that is set is present", one(stringBox, "f", length("1-2")), `f {}`, "f: length must be from 1 to 2 characters, got 0"},
		{"a wrapper that is unset is absent", one(stringBox, "f", length("1-2")), ``, ""},
		{"bytes of a string", one("string", "f", inBytes("<=4")), `f: "жжж"`, "f: size must be at most 4 bytes, got 6"},
		{"bytes of bytes", one("bytes", "f", inBytes("<=4")), `f: "abcd"`, ""},
		{"bytes of a message", one(".google.protobuf.Struct", "f", inBytes("<=10")), `f { fields { key: "abc" value { string_value: "abc" } } }`, "f: size must be at most 10 bytes, got 14"},

		{"pattern", one("string", "f", matching("[a-z]+")), `f: "abc"`, ""},
		{"pattern that fits a part", one("string", "f", matching("[a-z]+")), `f: "abc1"`, "f: must match the pattern [a-z]+ as a whole"},
		{"pattern before a line break", one("string", "f", matching("[a-z]+")), `f: "abc\n"`, "f: must match the pattern [a-z]+ as a whole"},
		{"alternatives, first", one("string", "f", matching("eng|rus")), `f: "engx"`, "f: must match the pattern eng|rus as a whole"},
		{"alternatives, last", one("string", "f", matching("eng|rus")), `f: "xrus"`, "f: must match the pattern eng|rus as a whole"},
		{"alternatives, longer one second", one("string", "f", matching("a|ab")), `f: "ab"`, ""},
		{"anchors of its own", one("string", "f", matching("^a$|^b$")), `f: "b"`, ""},
		{"a flag inside", one("string", "f", matching("(?i:client-cert|)")), `f: "Client-Cert"`, ""},
		{"empty or a name, absent", one("string", "f", matching("|[a-z][-a-z0-9]{1,3}")), ``, ""},
		{"empty or a name, in a list", many("string", "f", matching("|[a-z][-a-z0-9]{1,3}")), `f: "" f: "a-1"`, ""},
		{"empty or a name, neither", many("string", "f", matching("|[a-z][-a-z0-9]{1,3}")), `f: "1"`, "f[0]: must match the pattern |[a-z][-a-z0-9]{1,3} as a whole"},
		{"a repeat without a lower count", one("string", "f", matching("[a-z][a-z0-9-_]{,3}")), `f: "ab-_"`, ""},
		{"and its upper count", one("string", "f", matching("[a-z][a-z0-9-_]{,3}")), `f: "ab-_x"`, "f: must match the pattern [a-z][a-z0-9-_]{0,3} as a whole"},
		{"pattern in a wrapper", one(stringBox, "f", matching("[a-z]+")), `f { value: "A" }`, "f: must match the pattern [a-z]+ as a whole"},

		{"value", one("int64", "f", value("1-5")), `f: 5`, ""},
		{"value above", one("int64", "f", value("1-5")), `f: 6`, "f: must be from 1 to 5, got 6"},
		{"absent value", one("int64", "f", value("1-5")), `f: 0`, ""},
		{"value of a list element is never absent", many("int64", "f", value("1-5")), `f: 1 f: 0`, "f[1]: must be from 1 to 5, got 0"},
		{"negative range", one(int64Box, "f", value("-1-100")), `f { value: -1 }`, ""},
		{"below a negative range", one(int64Box, "f", value("-1-100")), `f { value: -2 }`, "f: must be from -1 to 100, got -2"},
		{"zero in a wrapper is present", one(int64Box, "f", value(">0")), `f {}`, "f: must be more than 0, got 0"},
		{"value in a list", one("int64", "f", value("0,1,2,4")), `f: 3`, "f: must be 0, 1, 2 or 4, got 3"},
		{"value of 32 bits", one("int32", "f", value("<=9")), `f: 10`, "f: must be at most 9, got 10"},
		{"unsigned value", one("uint64", "f", value("<=9")), `f: 18446744073709551615`, "f: must be at most 9, got 18446744073709551615"},
		{"double", one("double", "f", value("0.1-0.8")), `f: 0.8`, ""},
		{"double above", one("double", "f", value("0.1-0.8")), `f: 0.81`, "f: must be from 0.1 to 0.8, got 0.81"},
		{"double in a wrapper", one(doubleBox, "f", value("0.0-1.0")), `f { value: -0.5 }`, "f: must be from 0 to 1, got -0.5"},
		{"not a number", one(doubleBox, "f", value("0.0-1.0")), `f { value: nan }`, "f: must be from 0 to 1, got NaN"},
		{"float", one("float", "f", value(">0")), `f: -inf`, "f: must be more than 0, got -Inf"},
		{"duration", one(duration, "f", value("10s-1m")), `f { seconds: 60 }`, ""},
		{"duration one nanosecond above", one(duration, "f", value("10s-1m")), `f { seconds: 60 nanos: 1 }`, "f: must be from 10s to 1m, got 1m0.000000001s"},
		{"duration above", one(duration, "f", value("<=24h")), `f { seconds: 90000 }`, "f: must be at most 24h, got 25h"},
		{"duration of zero is present", one(duration, "f", value(">=1s")), `f {}`, "f: must be at least 1s, got 0s"},
		{"duration of 10,000 years", one(duration, "f", value(">=1s")), `f { seconds: 315576000000 }`, ""},
		{"duration far above", one(duration, "f", value("<=1m")), `f { seconds: 315576000000 }`, "f: must be at most 1m, got more than 292 years"},
		{"duration of two signs", one(duration, "f", value("<=1m")), `f { seconds: 1 nanos: -1 }`, "f: must be at most 1m, got an invalid value"},
		{"timestamp", one(timestamp, "f", value("19700101T000000.000000000-21051231T235959.999999999")), `f { seconds: 4291747199 nanos: 999999999 }`, ""},
		{"timestamp above", one(timestamp, "f", value("19700101T000000.000000000-21051231T235959.999999999")), `f { seconds: 4291747200 }`, "f: must be from 1970-01-01T00:00:00Z to 2105-12-31T23:59:59.999999999Z, got 2106-01-01T00:00:00Z"},
		{"timestamp with nanoseconds below zero", one(timestamp, "f", value(">=19700101T000000")), `f { seconds: 5 nanos: -1 }`, "f: must be at least 1970-01-01T00:00:00Z, got an invalid value"},
		{"timestamp in the year 9999", one(timestamp, "f", value(">=19700101T000000")), `f { seconds: 253402300799 }`, ""},
		{"timestamp beyond all years", one(timestamp, "f", value(">=19700101T000000")), `f { seconds: 253402300800 }`, "f: must be at least 1970-01-01T00:00:00Z, got an invalid value"},

		{"size", many("string", "f", size("1-2")), `f: "" f: ""`, ""},
		{"size above", many("string", "f", size("1-2")), `f: "" f: "" f: ""`, "f: must have from 1 to 2 entries, got 3"},
		{"an empty list is counted", many("string", "f", size(">0")), ``, "f: must have more than 0 entries, got 0"},
		{"size of one", many("string", "f", size("1")), ``, "f: must have exactly 1 entry, got 0"},
		{"size below", many("enum .t.Action", "f", size("<2")), `f: ADD f: ADD`, "f: must have fewer than 2 entries, got 2"},

		{"unique strings", many("string", "f", unique()), `f: "a" f: "b" f: "A"`, ""},
		{"repeated string", many("string", "f", unique()), `f: "a" f: "b" f: "a"`, "f[2]: must be unique, got the same as f[0]"},
		{"repeated empty string", many("string", "f", unique()), `f: "" f: ""`, "f[1]: must be unique, got the same as f[0]"},
		{"repeated number", many("int64", "f", unique()), `f: 1 f: 1`, "f[1]: must be unique, got the same as f[0]"},
		{"repeated enum", many("enum .t.Action", "f", unique()), `f: ADD f: ADD`, "f[1]: must be unique, got the same as f[0]"},
		{"repeated bytes", many("bytes", "f", unique()), `f: "a" f: "b" f: "b"`, "f[2]: must be unique, got the same as f[1]"},
		{"repeated message", many(duration, "f", unique()), `f { seconds: 1 } f { nanos: 1 } f { seconds: 1 }`, "f[2]: must be unique, got the same as f[0]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			md := schema(t, message("M", tc.field))
			if err := Compile(md); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(found(parse(t, md, tc.text)), "\n")
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// TestNested covers what takes more than one field: maps, oneofs, optional
// fields, updates and messages in messages.
func TestNested(t *testing.T) {
	disk := func() *messagePB {
		return message("Disk", one("string", "name", required(), length("<=3")), one(".t.Spec", "spec"))
	}
	spec := func() *messagePB {
		m := message("Spec", many(".t.Disk", "disks", size("<=4")), one(".t.Disk", "boot"))
		return withMap(m, "string", ".t.Disk", "by_zone", key(&cloud.MapKeySpec{Length: "<=5", Pattern: "[a-z]+"}))
	}
	request := func() *messagePB { return message("Request", one(".t.Spec", "spec", required())) }
	choices := func(exactly ...string) *messagePB {
		m := message("Choice",
			one("string", "by_id", inOneof(0), length("1-5")), one("int64", "by_number", inOneof(0), value(">0")),
			one(".t.Disk", "disk", inOneof(0)))
		return withOneof(m, "target", exactly...)
	}
	allRequired := func() *messagePB {
		m := message("Image", one("string", "url", inOneof(0), required()), one("bytes", "data", inOneof(0), required()))
		return withOneof(m, "image")
	}
	oneRequired := withOneof(message("Folder", one("string", "folder_id", inOneof(0), required()), one("int64", "size")), "container")
	optional := func() *messagePB {
		f := one("string", "f", inOneof(0), required(), length(">0"))
		f.Proto3Optional = proto.Bool(true)
		return withOneof(message("Optional", f), "_f")
	}
	update := func() *messagePB {
		m := message("Update", one("string", "id", required(), numbered(1)),
			one("string", "name", required(), numbered(3)), many("string", "scopes", size("1-2"), numbered(4)),
			one("string", "cron", inOneof(0), numbered(5)), one("string", "queue", inOneof(0), numbered(6)),
			one(".google.protobuf.FieldMask", "update_mask", numbered(2)))
		return withOneof(m, "source", "exactly")
	}
	numberMap := withMap(message("Numbers"), "int64", "int64", "ports", value("1-9"), size("<=3"), key(&cloud.MapKeySpec{Value: ">=0"}))
	boolMap := withMap(message("Flags"), "bool", "string", "flags", length("<=1"))
	uintMap := withMap(message("Uints"), "uint32", "string", "u", length("<=1"))

	const picks = "target: exactly one of by_id, by_number, disk must be set, got none"
	for _, tc := range []struct {
		name     string
		messages []*messagePB
		text     string
		want     []string
	}{
		{"all in order", []*messagePB{request(), spec(), disk()}, `spec { disks { name: "ok" } disks { name: "long" } boot { spec { boot { } } } by_zone { key: "a" value { name: "a" } } }`, []string{
			"spec.disks[1].name: length must be at most 3 characters, got 4",
			"spec.boot.name: required, got an empty string",
			"spec.boot.spec.boot.name: required, got an empty string",
		}},
		{"deep and right", []*messagePB{request(), spec(), disk()}, `spec { boot { name: "a" spec { by_zone { key: "b" value { name: "b" spec { } } } } } }`, nil},
		{"no message at all", []*messagePB{request(), spec(), disk()}, ``, []string{"spec: required, got none"}},
		{"map of messages", []*messagePB{request(), spec(), disk()}, `spec { by_zone { key: "zone-b" value { } } by_zone { key: "a" value { name: "long" } } }`, []string{
			`spec.by_zone["a"].name: length must be at most 3 characters, got 4`,
			`spec.by_zone["zone-b"]: key length must be at most 5 characters, got 6`,
			`spec.by_zone["zone-b"]: key must match the pattern [a-z]+ as a whole`,
			`spec.by_zone["zone-b"].name: required, got an empty string`,
		}},
		{"too long a list is still looked into", []*messagePB{request(), spec(), disk()}, `spec { disks { name: "a" } disks { name: "a" } disks { name: "a" } disks { name: "a" } disks { } }`, []string{
			"spec.disks: must have at most 4 entries, got 5",
			"spec.disks[4].name: required, got an empty string",
		}},

		{"none of exactly one", []*messagePB{choices("exactly"), disk(), spec()}, ``, []string{picks}},
		{"exactly one", []*messagePB{choices("exactly"), disk(), spec()}, `by_number: 1`, nil},
		{"a chosen member is present though zero", []*messagePB{choices("exactly"), disk(), spec()}, `by_number: 0`, []string{"by_number: must be more than 0, got 0"}},
		{"a chosen string is present though empty", []*messagePB{choices("exactly"), disk(), spec()}, `by_id: ""`, []string{"by_id: length must be from 1 to 5 characters, got 0"}},
		{"a chosen message is looked into", []*messagePB{choices("exactly"), disk(), spec()}, `disk {}`, []string{"disk.name: required, got an empty string"}},
		{"none of a plain oneof", []*messagePB{choices(), disk(), spec()}, ``, nil},
		{"none of members that are all required", []*messagePB{allRequired()}, ``, []string{"image: exactly one of url, data must be set, got none"}},
		{"one of members that are all required", []*messagePB{allRequired()}, `data: "x"`, nil},
		{"an empty one of them", []*messagePB{allRequired()}, `url: ""`, []string{"url: required, got an empty string"}},
		{"the only member", []*messagePB{oneRequired}, ``, []string{"folder_id: required, got none"}},

		{"optional and absent", []*messagePB{optional()}, ``, []string{"f: required, got none"}},
		{"optional and empty", []*messagePB{optional()}, `f: ""`, []string{"f: length must be more than 0 characters, got 0"}},
		{"optional and right", []*messagePB{optional()}, `f: "x"`, nil},

		{"update of everything", []*messagePB{update()}, `id: "i"`, []string{
			"name: required, got an empty string",
			"scopes: must have from 1 to 2 entries, got 0",
			"source: exactly one of cron, queue must be set, got none",
		}},
		{"update with an empty mask", []*messagePB{update()}, `id: "i" name: "n" cron: "c" update_mask { }`, []string{"scopes: must have from 1 to 2 entries, got 0"}},
		{"update of the name", []*messagePB{update()}, `id: "i" name: "n" update_mask { paths: "name" }`, nil},
		{"update of the name to nothing", []*messagePB{update()}, `id: "i" update_mask { paths: "name" }`, []string{"name: required, got an empty string"}},
		{"update of the list to nothing", []*messagePB{update()}, `id: "i" update_mask { paths: "scopes" }`, []string{"scopes: must have from 1 to 2 entries, got 0"}},
		{"update of all by a star", []*messagePB{update()}, `id: "i" name: "n" queue: "q" update_mask { paths: "*" }`, []string{"scopes: must have from 1 to 2 entries, got 0"}},
		{"update of a member to nothing", []*messagePB{update()}, `id: "i" update_mask { paths: "cron" }`, []string{"source: exactly one of cron, queue must be set, got none"}},
		{"update by a path below", []*messagePB{update()}, `id: "i" update_mask { paths: "queue.name" }`, []string{"source: exactly one of cron, queue must be set, got none"}},
		{"update without an id", []*messagePB{update()}, `update_mask { paths: "x" }`, []string{"id: required, got an empty string"}},

		{"map of numbers", []*messagePB{numberMap}, `ports { key: 10 value: 0 } ports { key: -1 value: 9 } ports { key: 9 value: 10 }`, []string{
			"ports[-1]: key must be at least 0, got -1",
			"ports[9]: must be from 1 to 9, got 10",
			"ports[10]: must be from 1 to 9, got 0",
		}},
		{"map of flags", []*messagePB{boolMap}, `flags { key: true value: "ab" } flags { key: false value: "ab" }`, []string{
			"flags[false]: length must be at most 1 character, got 2",
			"flags[true]: length must be at most 1 character, got 2",
		}},
		{"map of unsigned numbers", []*messagePB{uintMap}, `u { key: 10 value: "ab" } u { key: 9 value: "ab" }`, []string{
			"u[9]: length must be at most 1 character, got 2",
			"u[10]: length must be at most 1 character, got 2",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			md := schema(t, tc.messages...)
			if err := Compile(md); err != nil {
				t.Fatal(err)
			}
			if got := found(parse(t, md, tc.text)); !slices.Equal(got, tc.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tc.want, "\n\t"))
			}
		})
	}
}

// A dynamic message may hold a generated one, whose descriptor can be another
// with the same name.
func TestMessageOfAnotherDescriptor(t *testing.T) {
	disk := func(limit string) *messagePB { return message("Disk", one("string", "name", length(limit))) }
	md := schema(t, message("Request", one(".t.Disk", "disk"), one(".google.protobuf.Duration", "d", value("<=1m"))), disk("<=3"))
	other := schema(t, disk("<=2"))
	m := dynamicpb.NewMessage(md)
	m.Set(md.Fields().Get(0), protoreflect.ValueOfMessage(parse(t, other, `name: "abc"`).ProtoReflect()))
	m.Set(md.Fields().Get(1), protoreflect.ValueOfMessage((&durationpb.Duration{Seconds: math.MaxInt64}).ProtoReflect()))
	want := []string{"disk.name: length must be at most 2 characters, got 3", "d: must be at most 1m, got an invalid value"}
	if got := found(m); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestManyMembersAreNotAllNamed(t *testing.T) {
	m := message("M")
	for i := range 10 {
		m = message("M", append(m.Field, one("string", "m"+strconv.Itoa(i), inOneof(0)))...)
	}
	got := found(dynamicpb.NewMessage(schema(t, withOneof(m, "kind", "exactly"))))
	want := []string{"kind: exactly one of m0, m1, m2, m3, m4, m5, m6, m7, … must be set, got none"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
