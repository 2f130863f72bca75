package constraint

import (
	"strings"
	"sync"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	clouddesktop "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// unknownOption sets an option as bytes that only decodeOptions will look into.
func unknownOption(raw []byte) option {
	return func(f *fieldPB) {
		f.Options = &descriptorpb.FieldOptions{}
		f.Options.ProtoReflect().SetUnknown(raw)
	}
}

func TestCompileRefuses(t *testing.T) {
	const duration = ".google.protobuf.Duration"
	wrongWire := protowire.AppendVarint(protowire.AppendTag(nil, 101505, protowire.VarintType), 7)
	for _, tc := range []struct {
		field *fieldPB
		want  string
	}{
		{one("string", "f", length("many")), `optest: option (yandex.cloud.length) of t.M.f got "many", want a form such as "20"`},
		{one("string", "f", length("63-1")), `(yandex.cloud.length) of t.M.f got "63-1", want the lower end of a range first`},
		{one("string", "f", length("<=-1")), `got "<=-1", want a form`},
		{one("int64", "f", length("1-2")), `(yandex.cloud.length) of t.M.f got a field of type int64, want a string or bytes`},
		{one(duration, "f", length("1-2")), `got a field of type google.protobuf.Duration, want a string or bytes`},
		{one("string", "f", matching("a)|(b")), `(yandex.cloud.pattern) of t.M.f got "a)|(b", want a regular expression in RE2 syntax: error parsing regexp: unexpected )`},
		{one("string", "f", matching(`(?=a)b`)), "want a regular expression in RE2 syntax"},
		{one("string", "f", matching(`a{1001}`)), "want a regular expression in RE2 syntax"},
		{one("string", "f", matching(`\Qa`)), "want a regular expression in RE2 syntax"},
		{one("int64", "f", matching("1")), `got a field of type int64, want a string`},
		{one("string", "f", value("a,b")), `(yandex.cloud.value) of t.M.f got a field of type string, want a number, google.protobuf.Duration`},
		{one("bool", "f", value("1")), `got a field of type bool, want a number`},
		{one(".google.protobuf.Struct", "f", value("1")), `got a field of type google.protobuf.Struct, want a number`},
		{one("uint64", "f", value("-1-5")), `got "-1-5", want a form`},
		{one(duration, "f", value("1-5")), `got "1-5", want a form`},
		{one("int64", "f", inBytes("<=5")), `(yandex.cloud.bytes) of t.M.f got a field of type int64`},
		{one("string", "f", size("<=5")), `(yandex.cloud.size) of t.M.f got a single field, want a list or map`},
		{many("string", "f", size("5.5")), `(yandex.cloud.size) of t.M.f got "5.5", want a form`},
		{one("string", "f", unique()), `(yandex.cloud.unique) of t.M.f got a field that is no list, want a list`},
		{many("string", "f", key(&cloud.MapKeySpec{Length: "1"})), `(yandex.cloud.map_key) of t.M.f got a field that is no map, want a map`},
		{one("string", "f", unknownOption(wrongWire)), `optest: options of t.M.f got another wire type for (yandex.cloud.length), want what yandex/cloud/validation.proto declares`},
		{one("string", "f", length(strings.Repeat("1,", 600)+"1")), "got 1201 bytes, want at most 1024"},
	} {
		md := schema(t, message("M", tc.field))
		err := Compile(md)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got  %v\nwant …%s…", err, tc.want)
		}
		if got := found(parse(t, md, "")); got != nil {
			t.Errorf("%s: Check of an empty message got %q, want none", tc.want, got)
		}
	}
}

func TestCompileRefusesMapKeys(t *testing.T) {
	for _, k := range []*cloud.MapKeySpec{{Length: "x"}, {Pattern: "("}, {Value: "a"}} {
		md := schema(t, withMap(message("M"), "string", "string", "labels", key(k)))
		if err := Compile(md); err == nil || !strings.Contains(err.Error(), "optest: option (yandex.cloud.map_key.") {
			t.Errorf("%v: got %v, want an error that names the option", k, err)
		}
	}
}

// One bad option neither hides another, however far away, nor switches off the
// good ones.
func TestCompileJoinsAndGoesOn(t *testing.T) {
	md := schema(t,
		message("A", one("string", "x", length("?"), required()), one(".t.B", "b")),
		message("B", many(".t.A", "back"), one("string", "y", matching("("), length("<=1"))))
	for range 2 { // the second answer comes from the cache
		err := Compile(md)
		for _, want := range []string{"(yandex.cloud.length) of t.A.x", "(yandex.cloud.pattern) of t.B.y"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to name %s", err, want)
			}
		}
	}
	got := strings.Join(found(parse(t, md, `b { y: "ab" }`)), "\n")
	want := "x: required, got an empty string\nb.y: length must be at most 1 character, got 2"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Options read from a file may be unknown fields or extensions of another
// registry.
func TestOptionsOfAnotherRegistry(t *testing.T) {
	raw, err := proto.Marshal(schemaFile(message("M", one("string", "f", required(), length("<=2")))))
	if err != nil {
		t.Fatal(err)
	}
	another := new(protoregistry.Types)
	xt := dynamicpb.NewExtensionType(cloud.E_Length.TypeDescriptor().Descriptor())
	if err := another.RegisterExtension(xt); err != nil {
		t.Fatal(err)
	}
	for name, types := range map[string]*protoregistry.Types{"unknown": new(protoregistry.Types), "dynamic": another} {
		t.Run(name, func(t *testing.T) {
			file := &descriptorpb.FileDescriptorProto{}
			if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(raw, file); err != nil {
				t.Fatal(err)
			}
			linked, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
			if err != nil {
				t.Fatal(err)
			}
			md := linked.Messages().Get(0)
			if err := Compile(md); err != nil {
				t.Fatal(err)
			}
			if got := found(parse(t, md, ``)); len(got) != 1 || got[0] != "f: required, got an empty string" {
				t.Errorf("got %q, want the required field", got)
			}
			if got := found(parse(t, md, `f: "abc"`)); len(got) != 1 || got[0] != "f: length must be at most 2 characters, got 3" {
				t.Errorf("got %q, want the length", got)
			}
		})
	}
}

func TestConcurrentFirstUse(t *testing.T) {
	md := schema(t, message("A", one(".t.B", "b")), message("B", one(".t.A", "a"), one("string", "s", required())))
	m := parse(t, md, `b { a { b { } } s: "x" }`)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if got := found(m); len(got) != 1 || got[0] != "b.a.b.s: required, got an empty string" {
				t.Errorf("got %q, want one violation", got)
			}
			if got := found(&clouddesktop.GetDesktopImageRequest{}); len(got) != 1 {
				t.Errorf("got %q, want one violation", got)
			}
			if err := Compile(md); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// What nothing can break is not walked, at any depth.
func TestPruning(t *testing.T) {
	md := schema(t,
		message("A", one(".t.B", "b"), one(".t.C", "c"), one(".google.protobuf.Struct", "s")),
		message("B", many(".t.B", "more"), one("string", "x")),
		message("C", one(".t.A", "a"), one("string", "y", required())))
	p := programOf(md)
	if !p.active || len(p.steps) != 1 || p.steps[0].(*single).name() != "c" {
		t.Errorf("A: active %t with steps %v, want only c", p.active, p.steps)
	}
	if programOf(md.Fields().ByName("b").Message()).active {
		t.Error("B is active, want not")
	}
}

// C leads to a rule only through B, which comes to light after it.
func TestPruningOfCrossingPaths(t *testing.T) {
	md := schema(t,
		message("A", one(".t.B", "b"), one(".t.C", "c")),
		message("B", one(".t.D", "d")), message("C", one(".t.B", "b")), message("D", one("string", "x", length("<=1"))))
	got := found(parse(t, md, `c { b { d { x: "ab" } } }`))
	if len(got) != 1 || got[0] != "c.b.d.x: length must be at most 1 character, got 2" {
		t.Errorf("got %q, want one violation", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	compiling.Lock()
	before := cachedSize
	cachedSize = maxPrograms
	compiling.Unlock()
	md := schema(t, message("M", one("string", "f", required())))
	if got := found(parse(t, md, "")); len(got) != 1 {
		t.Errorf("got %q, want one violation", got)
	}
	compiling.Lock()
	defer compiling.Unlock()
	if cachedSize != 1 {
		t.Errorf("cache has %d programs after it was full, want 1 (it had %d)", cachedSize, before)
	}
	kept := 0
	programs.Range(func(any, any) bool { kept++; return true })
	if kept != cachedSize {
		t.Errorf("cache has %d programs and counts %d", kept, cachedSize)
	}
}
