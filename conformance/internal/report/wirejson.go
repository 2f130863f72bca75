package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// dissectJSON takes a message in JSON apart in the order of its bytes. It reports
// false for bytes that are no JSON, or of which not all are shown.
func dissectJSON(raw []byte, desc protoreflect.MessageDescriptor) (rows []row, whole bool) {
	in := json.NewDecoder(bytes.NewReader(raw))
	in.UseNumber()
	d := jsonDissection{dissection{}, in}
	token, err := in.Token()
	if err != nil || token != json.Delim('{') {
		return nil, false
	}
	ok := d.object(desc, 0)
	return d.rows, ok && !d.full
}

type jsonDissection struct {
	dissection
	in *json.Decoder
}

// object reads an object's members after its brace.
func (d *jsonDissection) object(desc protoreflect.MessageDescriptor, depth int) bool {
	first := map[string]int{}
	chosen := map[protoreflect.Name]int{}
	for d.in.More() {
		offset := int(d.in.InputOffset())
		token, err := d.in.Token()
		key, ok := token.(string)
		if err != nil || !ok || d.full || depth > maxDepth {
			return false
		}
		f := jsonField(desc, key)
		r := row{Offset: offset, Depth: depth, Field: plain(key)}
		i, null, ok := d.value(f, r, &desc)
		if !ok {
			return false
		}
		switch before, twice := first[key]; {
		case twice:
			d.mark(before, "%s is there more than once", plain(key))
			d.mark(i, "%s is there more than once", plain(key))
		case f == nil && desc != nil && !strings.HasPrefix(key, "@"):
			d.mark(i, "the schema has no field %s", plain(key))
		case f != nil && key != f.JSONName():
			d.mark(i, "its name in JSON is %s", f.JSONName())
		}
		first[key] = i
		if f == nil || null || f.ContainingOneof() == nil || f.ContainingOneof().IsSynthetic() {
			continue
		}
		o := f.ContainingOneof().Name()
		if other, taken := chosen[o]; taken {
			d.mark(other, "only one of the members of %s may be there", o)
			d.mark(i, "only one of the members of %s may be there", o)
		}
		chosen[o] = i
	}
	_, err := d.in.Token() // the brace
	return err == nil
}

func jsonField(desc protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if desc == nil {
		return nil
	}
	if f := desc.Fields().ByJSONName(key); f != nil {
		return f
	}
	return desc.Fields().ByName(protoreflect.Name(key))
}

// value reads a member's value, adds its row and returns where that is. The type of
// what an Any holds is known from its first member.
func (d *jsonDissection) value(f protoreflect.FieldDescriptor, r row, within *protoreflect.MessageDescriptor) (at int, null, ok bool) {
	token, err := d.in.Token()
	if err != nil {
		return -1, false, false
	}
	switch t := token.(type) {
	case json.Delim:
		r.Value = string(rune(t))
		inner, list := innerOf(f), t == '['
		if f != nil && f.Message() != nil && !f.IsMap() && !list {
			r.Value = messageName(f.Message())
		}
		i := d.add(r, nil)
		if f != nil && list != f.IsList() {
			d.mark(i, "a field of type %s can't be encoded so", f.Kind())
		}
		if list {
			return i, false, d.list(f, r.Depth+1)
		}
		if f != nil && !f.IsMap() && f.Message() == nil {
			d.mark(i, "a field of type %s can't be encoded so", f.Kind())
		}
		return i, false, d.object(inner, r.Depth+1)
	case nil:
		r.Value = "null"
		return d.add(r, nil), true, true
	default:
		text, isText := t.(string)
		if isText {
			r.Value = fmt.Sprintf("%q", clipped(plain(text), 120))
		} else {
			r.Value = fmt.Sprint(t)
		}
		if r.Field == "@type" && isText {
			if found, err := protoregistry.GlobalTypes.FindMessageByURL(text); err == nil {
				*within = found.Descriptor()
			}
		}
		i := d.add(r, nil)
		if odd := oddJSON(f, t); odd != "" {
			d.mark(i, "%s", odd)
		}
		return i, false, true
	}
}

// innerOf is the type of the fields in a field, nil where their names are data.
func innerOf(f protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if f == nil || f.IsMap() || f.Message() == nil || f.Message().FullName() == "google.protobuf.Any" {
		return nil
	}
	return f.Message()
}

func (d *jsonDissection) list(f protoreflect.FieldDescriptor, depth int) bool {
	for n := 0; d.in.More(); n++ {
		if d.full || depth > maxDepth {
			return false
		}
		r := row{Offset: int(d.in.InputOffset()), Depth: depth, Field: fmt.Sprint(n)}
		var inner protoreflect.MessageDescriptor
		if _, _, ok := d.element(f, r, &inner); !ok {
			return false
		}
	}
	_, err := d.in.Token()
	return err == nil
}

// element is value for a member of a list: its field is that of the list, less
// that it is one.
func (d *jsonDissection) element(f protoreflect.FieldDescriptor, r row, inner *protoreflect.MessageDescriptor) (at int, null, ok bool) {
	if f != nil {
		*inner = innerOf(f)
	}
	token, err := d.in.Token()
	if err != nil {
		return -1, false, false
	}
	if t, isDelim := token.(json.Delim); isDelim {
		r.Value = string(rune(t))
		i := d.add(r, nil)
		if t == '[' {
			return i, false, d.list(nil, r.Depth+1)
		}
		return i, false, d.object(*inner, r.Depth+1)
	}
	r.Value = plain(fmt.Sprintf("%v", token))
	return d.add(r, nil), token == nil, true
}

var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6}|\.\d{9})?Z$`)

// oddJSON says what is odd about how a field is written in JSON.
func oddJSON(f protoreflect.FieldDescriptor, token json.Token) string {
	if f == nil || f.IsMap() {
		if f != nil {
			return "a map is an object"
		}
		return ""
	}
	text, isText := token.(string)
	_, isNumber := token.(json.Number)
	switch f.Kind() {
	case protoreflect.Int64Kind, protoreflect.Uint64Kind, protoreflect.Sint64Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		if isNumber {
			return "a number of 64 bits is written in quotes"
		}
	case protoreflect.EnumKind:
		switch {
		case isNumber:
			return "an enum's value is written by its name"
		case isText && f.Enum().Values().ByName(protoreflect.Name(text)) == nil:
			return fmt.Sprintf("%s has no value of that name", f.Enum().Name())
		}
	case protoreflect.BoolKind:
		if _, isBool := token.(bool); !isBool {
			return "a bool is true or false"
		}
	case protoreflect.StringKind, protoreflect.BytesKind:
		if !isText {
			return "text is written in quotes"
		}
	case protoreflect.MessageKind:
		switch {
		case f.Message().FullName() != "google.protobuf.Timestamp":
			if f.Message().ParentFile().Package() != "google.protobuf" {
				return "a message is an object"
			}
		case !isText:
			return "a time is text as in RFC 3339"
		case !rfc3339.MatchString(text):
			return "a time ends in Z and has 0, 3, 6 or 9 digits after the second"
		}
	}
	return ""
}
