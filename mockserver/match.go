package mockserver

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// matcher is an optestv1.Match made ready.
type matcher struct {
	method  pattern // empty: methods that create
	fields  []condition
	headers []condition
	from    uint32
	to      uint32 // 0: no end
}

type condition struct {
	name string
	want pattern
}

// incoming is a validated request that starts an operation.
type incoming struct {
	method  *method
	request protoreflect.Message
	header  *connect.Header
}

func newMatcher(m *optestv1.Match) *matcher {
	return &matcher{
		method:  pattern(m.GetMethod()),
		fields:  conditions(m.GetFields()),
		headers: conditions(m.GetHeaders()),
		from:    max(1, m.GetCalls().GetFrom()),
		to:      m.GetCalls().GetTo(),
	}
}

func conditions(m map[string]string) []condition {
	var cs []condition
	for _, name := range slices.Sorted(maps.Keys(m)) {
		cs = append(cs, condition{name, pattern(m[name])})
	}
	return cs
}

// differences says in what the request is not one that m is for, apart from the
// number of the call. Nil: it is one.
func (m *matcher) differences(in incoming) []string {
	var diffs []string
	switch {
	case m.method == "":
		if !in.method.creates {
			diffs = append(diffs, fmt.Sprintf("method is %s, want one that creates a resource", in.method.name()))
		}
	case !matchesMethod(m.method, in.method.procedure):
		diffs = append(diffs, fmt.Sprintf("method is %s, want %s", in.method.name(), m.method))
	}
	for _, c := range m.fields {
		if got := fieldText(in.request, c.name); !c.want.matches(got) {
			diffs = append(diffs, fmt.Sprintf("%s is %s, want %q", c.name, quoted(got), c.want))
		}
	}
	for _, c := range m.headers {
		if got := in.header.Get(c.name); !c.want.matches(got) {
			// Header values may be secrets: name the header only.
			diffs = append(diffs, fmt.Sprintf("header %s does not match", strings.ToLower(c.name)))
		}
	}
	return diffs
}

// counts reports whether the n-th call that matches otherwise is one of m's.
func (m *matcher) counts(n uint32) bool { return n >= m.from && (m.to == 0 || n <= m.to) }

// fieldText is the text of the request field at a dotted path, empty where it
// is absent: strings as they are, enums by name, other scalars as Go prints
// them. A path may go on into a map with text keys.
func fieldText(m protoreflect.Message, path string) string {
	name, rest, nested := strings.Cut(path, ".")
	f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if f == nil || !m.Has(f) {
		return ""
	}
	v := m.Get(f)
	switch {
	case f.IsMap():
		if f.MapKey().Kind() != protoreflect.StringKind || !nested {
			return ""
		}
		if v = v.Map().Get(protoreflect.ValueOfString(rest).MapKey()); !v.IsValid() {
			return ""
		}
		f, nested = f.MapValue(), false
	case f.IsList():
		return ""
	}
	switch {
	case f.Message() != nil:
		if !nested {
			return ""
		}
		return fieldText(v.Message(), rest)
	case nested:
		return ""
	case f.Enum() != nil:
		if e := f.Enum().Values().ByNumber(v.Enum()); e != nil {
			return string(e.Name())
		}
	}
	return fmt.Sprint(v.Interface())
}

// quoted is what a request sent, as an error message can hold it.
func quoted(s string) string { return fmt.Sprintf("%q", shortened(s)) }

func shortened(s string) string {
	const longest = 64
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return s
}
