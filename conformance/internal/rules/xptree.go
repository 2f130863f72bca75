package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// node is a value of JSON as it was written: with all members of an object, in
// order, and with the digits of a number.
type node struct {
	kind    byte // one of { [ " 0 t n: object, array, text, number, boolean, null
	text    string
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

// Bounds of what is looked at.
const (
	deepestNode = 64
	mostNodes   = 1 << 17
)

var (
	errBigJSON = errors.New("the JSON has more values, or deeper ones, than are looked at")
	errNoJSON  = errors.New("it is no JSON")
)

// parseJSON reads one value.
func parseJSON(raw []byte) (node, error) {
	if !json.Valid(raw) {
		return node{}, errNoJSON
	}
	p := jsonParser{raw: raw, left: mostNodes}
	n := p.value(deepestNode)
	if p.left < 0 {
		return node{}, errBigJSON
	}
	return n, nil
}

// jsonParser takes apart what is known to be valid.
type jsonParser struct {
	raw  []byte
	left int // values that may still come, below 0 where there were too many
}

// next skips what is between tokens, and returns the first byte of one.
func (p *jsonParser) next() byte {
	for strings.IndexByte(" \t\r\n,:", p.raw[0]) >= 0 {
		p.raw = p.raw[1:]
	}
	return p.raw[0]
}

func (p *jsonParser) value(depth int) node {
	if p.left--; p.left < 0 || depth == 0 {
		p.left = -1
		return node{}
	}
	switch c := p.next(); c {
	case '{', '[':
		return p.composite(c, depth)
	case '"':
		return node{kind: '"', text: p.text()}
	case 't', 'f', 'n':
		for len(p.raw) > 0 && p.raw[0] >= 'a' && p.raw[0] <= 'z' {
			p.raw = p.raw[1:]
		}
		if c == 'n' {
			return node{kind: 'n'}
		}
		return node{kind: 't'}
	}
	end := bytes.IndexAny(p.raw, " \t\r\n,]}")
	if end < 0 {
		end = len(p.raw)
	}
	n := node{kind: '0', text: string(p.raw[:end])}
	p.raw = p.raw[end:]
	return n
}

func (p *jsonParser) composite(kind byte, depth int) node {
	n := node{kind: kind}
	p.raw = p.raw[1:]
	for p.left >= 0 {
		c := p.next()
		switch {
		case c == '}' || c == ']':
			p.raw = p.raw[1:]
			return n
		case kind == '{':
			name := p.text()
			n.members = append(n.members, member{name, p.value(depth - 1)})
		default:
			n.items = append(n.items, p.value(depth-1))
		}
	}
	return n
}

// text reads a string.
func (p *jsonParser) text() string {
	end := 1
	escaped := false
	for p.raw[end] != '"' {
		if p.raw[end] == '\\' {
			escaped = true
			end++
		}
		end++
	}
	quoted := p.raw[:end+1]
	p.raw = p.raw[end+1:]
	if !escaped && utf8.Valid(quoted) {
		return string(quoted[1:end])
	}
	var text string
	if json.Unmarshal(quoted, &text) != nil {
		return string(quoted)
	}
	return text
}

// get is a member of an object that is not null.
func (n node) get(name string) (node, bool) {
	i := slices.IndexFunc(n.members, func(m member) bool { return m.name == name && m.value.kind != 'n' })
	if i < 0 {
		return node{}, false
	}
	return n.members[i].value, true
}

func (n node) String() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "the text " + `"` + shortened(n.text) + `"`
	case '0':
		return "the number " + shortened(n.text)
	case 't':
		return "a boolean"
	}
	return "null"
}

// jsonWalk goes through a message in JSON by its descriptor. Functions that are nil
// are not called.
type jsonWalk struct {
	// field is given each field that the descriptor has, and each of the values of a
	// list or map.
	field func(f protoreflect.FieldDescriptor, path string, n node)
	// other is given members that are no fields by their JSON names.
	other func(desc protoreflect.MessageDescriptor, path string, m member)
	// whole is given what stands for a message, before its fields.
	whole func(desc protoreflect.MessageDescriptor, path string, n node)
}

func (w jsonWalk) message(desc protoreflect.MessageDescriptor, path string, n node) {
	if w.whole != nil {
		w.whole(desc, path, n)
	}
	if desc.FullName() == "google.protobuf.Any" {
		inner, ok := anyType(n)
		if !ok {
			return
		}
		if special(inner) {
			if v, ok := n.get("value"); ok {
				w.message(inner, path+".value", v)
			}
			return
		}
		desc = inner
	} else if special(desc) {
		return
	}
	for _, m := range n.members {
		at := m.name
		if path != "" {
			at = path + "." + m.name
		}
		f := desc.Fields().ByJSONName(m.name)
		switch {
		case f != nil && m.value.kind != 'n':
			w.value(f, at, m.value)
		case f == nil && w.other != nil && m.name != "@type":
			w.other(desc, at, m)
		}
	}
}

func (w jsonWalk) value(f protoreflect.FieldDescriptor, path string, n node) {
	if w.field != nil {
		w.field(f, path, n)
	}
	switch {
	case f.IsMap() && n.kind == '{':
		for _, m := range n.members {
			w.value(f.MapValue(), path+"["+short(m.name)+"]", m.value)
		}
	case f.IsMap():
	case f.IsList() && n.kind == '[':
		for _, item := range n.items {
			w.element(f, path, item)
		}
	case f.IsList():
	case f.Message() != nil:
		w.message(f.Message(), path, n)
	}
}

func (w jsonWalk) element(f protoreflect.FieldDescriptor, path string, n node) {
	if f.Message() != nil {
		w.message(f.Message(), path, n)
	}
}

// anyType is the type of an Any in JSON, if it is known.
func anyType(n node) (protoreflect.MessageDescriptor, bool) {
	url, ok := n.get("@type")
	if !ok || url.kind != '"' {
		return nil, false
	}
	t, err := protoregistry.GlobalTypes.FindMessageByURL(url.text)
	if err != nil {
		return nil, false
	}
	return t.Descriptor(), true
}

// special reports whether a message has a form of its own in JSON.
func special(desc protoreflect.MessageDescriptor) bool {
	return desc.ParentFile().Package() == "google.protobuf" && !strings.HasSuffix(string(desc.FullName()), ".Empty")
}
