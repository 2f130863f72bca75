package rules

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/trace"
)

// lately are bytes that were just looked at: polls repeat them.
type lately struct {
	blobs []*trace.Blob
	next  int
}

const maxLately = 64

// has notes the bytes and reports whether they were noted before. Of an answer about
// an operation that is known anyhow.
func (l *lately) has(s *Seen) bool {
	if s.Answer != nil {
		return !s.Fresh
	}
	b := s.Event.Response
	if slices.Contains(l.blobs, b) {
		return true
	}
	if len(l.blobs) < maxLately {
		l.blobs = append(l.blobs, b)
		return false
	}
	l.blobs[l.next] = b
	l.next = (l.next + 1) % maxLately
	return false
}

// inJSON reports whether the call was answered with a message in JSON whose bytes
// and type are known.
func inJSON(s *Seen) bool {
	return s.OK() && s.Method != nil && s.RawJSON() != nil && spoken(s)
}

// judgeJSON holds answers in JSON against the format.
func judgeJSON(*Env) Machine {
	var before lately
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !inJSON(s) || before.has(s) {
			return
		}
		n, err := parseJSON(s.RawJSON())
		switch {
		case errors.Is(err, errBigJSON):
			return
		case err != nil:
			sink.Exercise("JSON")
			sink.Breach(by(s), "%s: the content type says JSON, and the answer is none: %s", s.When(), shortened(err.Error()))
			return
		}
		var faults []string
		object := func(kind byte, path string, n node) {
			if n.kind != kind {
				faults = append(faults, fmt.Sprintf("%s is %s, want %s", place(path), n, node{kind: kind}))
			}
		}
		jsonWalk{
			whole: func(desc protoreflect.MessageDescriptor, path string, n node) {
				if fault := messageFault(desc, n); fault != "" {
					faults = append(faults, place(path)+fault)
				}
			},
			field: func(f protoreflect.FieldDescriptor, path string, n node) {
				if told(f) {
					sink.Exercise(string(f.FullName()))
				}
				switch {
				case f.IsMap():
					object('{', path, n)
				case f.IsList():
					object('[', path, n)
				case f.Message() == nil:
					if fault := scalarFault(f, n); fault != "" {
						faults = append(faults, place(path)+fault)
					}
				}
			},
			other: func(desc protoreflect.MessageDescriptor, path string, m member) {
				if f := desc.Fields().ByTextName(m.name); f != nil {
					sink.Exercise(string(f.FullName()))
					faults = append(faults, fmt.Sprintf("%s is the name that the proto has, want %s", place(path), f.JSONName()))
				}
			},
		}.message(s.Method.Desc.Output(), "", n)
		if len(faults) > 0 {
			const most = 3
			more := ""
			if len(faults) > most {
				more = fmt.Sprintf(" and %d more", len(faults)-most)
			}
			sink.Breach(by(s), "%s: %s%s; clients that know the documented form find nothing there, or something else", s.When(), strings.Join(faults[:min(len(faults), most)], "; "), more)
		}
	}}
}

func place(path string) string {
	if path == "" {
		return "the answer"
	}
	return shortened(path)
}

// told reports whether a field shows something of the mapping.
func told(f protoreflect.FieldDescriptor) bool {
	return f.IsMap() || f.Enum() != nil || f.Message() != nil && special(f.Message()) || wide(f) || string(f.Name()) != f.JSONName()
}

// wide reports whether a field has 64 bits.
func wide(f protoreflect.FieldDescriptor) bool {
	switch f.Kind() {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return !f.IsMap()
	}
	return false
}

var (
	timestampForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3}|\.\d{6}|\.\d{9})?Z$`)
	durationForm  = regexp.MustCompile(`^-?\d+(\.\d{3}|\.\d{6}|\.\d{9})?s$`)
	decimal       = regexp.MustCompile(`^-?\d+$`)
)

// messageFault says what is wrong with the form of a message, if anything.
func messageFault(desc protoreflect.MessageDescriptor, n node) string {
	switch desc.FullName() {
	case "google.protobuf.Timestamp":
		if n.kind != '"' || !timestampForm.MatchString(n.text) {
			return fmt.Sprintf(" is %s, want a time in RFC 3339 that ends with Z and has 0, 3, 6 or 9 digits of a second", n)
		}
	case "google.protobuf.Duration":
		if n.kind != '"' || !durationForm.MatchString(n.text) {
			return fmt.Sprintf(" is %s, want seconds with 0, 3, 6 or 9 digits behind the point and an s", n)
		}
	case "google.protobuf.FieldMask":
		if n.kind != '"' {
			return fmt.Sprintf(" is %s, want paths in one text", n)
		}
	case "google.protobuf.Any":
		switch url, ok := n.get("@type"); {
		case n.kind != '{':
			return fmt.Sprintf(" is %s, want an object", n)
		case !ok && len(n.members) > 0:
			return " has no @type, so that nobody knows what it is"
		case ok && url.kind != '"':
			return fmt.Sprintf(" has %s for @type, want a text", url)
		}
	default:
		if !special(desc) && n.kind != '{' {
			return fmt.Sprintf(" is %s, want an object", n)
		}
	}
	return ""
}

// scalarFault says what is wrong with the form of a scalar, if anything.
func scalarFault(f protoreflect.FieldDescriptor, n node) string {
	want := byte('0')
	switch {
	case wide(f):
		if n.kind != '"' || !decimal.MatchString(n.text) {
			return fmt.Sprintf(" is %s, want a decimal in a text: it has 64 bits, of which a JSON number keeps 53", n)
		}
		return ""
	case f.Enum() != nil:
		return enumFault(f.Enum(), n)
	case f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.BytesKind:
		want = '"'
	case f.Kind() == protoreflect.BoolKind:
		want = 't'
	case n.kind == '"':
		return "" // numbers of 32 bits and fractions may be texts, such as NaN
	}
	if n.kind != want {
		return fmt.Sprintf(" is %s, want %s", n, map[byte]string{'0': "a number", '"': "a text", 't': "a boolean"}[want])
	}
	return ""
}

// enumFault lets numbers and names pass that the contract does not have.
func enumFault(e protoreflect.EnumDescriptor, n node) string {
	if e.FullName() == "google.protobuf.NullValue" || n.kind == '"' && !decimal.MatchString(n.text) {
		return ""
	}
	if n.kind != '0' && n.kind != '"' {
		return fmt.Sprintf(" is %s, want the name of a value", n)
	}
	for i := range e.Values().Len() {
		if v := e.Values().Get(i); n.text == fmt.Sprint(v.Number()) {
			return fmt.Sprintf(" is %s, want %s", n, v.Name())
		}
	}
	return ""
}

// misspellings break the format at places that many answers have.
var misspellings = []struct {
	from *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`"createdAt"`), `"created_at"`},
	{regexp.MustCompile(`("createdAt": *)"[^"]*"`), `${1}946684800`},
	{regexp.MustCompile(`("createdAt": *"[^"]*)Z"`), `${1}+00:00"`},
	{regexp.MustCompile(`("storageSize": *)"(\d+)"`), `${1}${2}`},
	{regexp.MustCompile(`("status": *)"ACTIVE"`), `${1}2`},
	{regexp.MustCompile(`("labels": *)\{[^{}]*\}`), `${1}"a"`},
	{regexp.MustCompile(`"@type"`), `"type"`},
}

// misspelt breaks the format of one answer.
func misspelt(t *Tape, draw *rand.Rand) (string, bool) {
	for _, n := range draw.Perm(len(misspellings)) {
		m := misspellings[n]
		where, ok := rewrite(
			func(s *Seen) bool { return inJSON(s) && m.from.Match(s.RawJSON()) },
			func(_ *Seen, raw []byte) []byte { return m.from.ReplaceAll(raw, []byte(m.to)) },
		)(t, draw)
		if ok {
			return where, true
		}
	}
	return "", false
}
