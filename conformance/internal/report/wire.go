package report

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// row is a field of a message as it stands on the wire, beside what it means.
type row struct {
	// Offset is where it begins.
	Offset int
	// Hex are its bytes: of one that holds fields itself, those before them. Of a long
	// one they are the first, with an ellipsis.
	Hex   string
	bytes []byte
	Depth int
	// Field is its name, or its number where it has none. Value is plain.
	Field, Value string
	// Odd says what is odd about it, empty if nothing is.
	Odd string
	// About: the rule is about this field. Absent: it is not there.
	About, Absent bool
}

// Bounds of what is shown of one message.
const (
	maxRows  = 120
	maxHex   = 6  // bytes of a row
	oddHex   = 24 // of one that is odd
	maxDepth = 8
)

// damaged stands for the name of what is no field.
const damaged = "?"

// dissect takes an encoded message apart. It reports false where it has more
// fields than are shown.
func dissect(raw []byte, desc protoreflect.MessageDescriptor) (rows []row, whole bool) {
	d := dissection{}
	d.message(raw, desc, 0, 0)
	for i := range d.rows {
		r, most := &d.rows[i], maxHex
		if r.Odd != "" {
			most = oddHex
		}
		r.Hex = fmt.Sprintf("% x", r.bytes[:min(len(r.bytes), most)])
		if len(r.bytes) > most {
			r.Hex += " …"
		}
	}
	return d.rows, !d.full
}

type dissection struct {
	rows []row
	full bool
}

// add returns where the row is, -1 if there is no room for it.
func (d *dissection) add(r row, bytes []byte) int {
	if len(d.rows) >= maxRows {
		d.full = true
		return -1
	}
	r.bytes = bytes
	d.rows = append(d.rows, r)
	return len(d.rows) - 1
}

// mark says of a row what is odd about it, beside what was said before.
func (d *dissection) mark(i int, format string, args ...any) {
	if i < 0 {
		return
	}
	r, text := &d.rows[i], fmt.Sprintf(format, args...)
	switch {
	case r.Odd == "":
		r.Odd = text
	case !strings.Contains(r.Odd, text):
		r.Odd += "; " + text
	}
}

func (d *dissection) message(raw []byte, desc protoreflect.MessageDescriptor, offset, depth int) {
	first := map[protowire.Number]int{} // where each field came first
	chosen := map[protoreflect.Name]int{}
	inner := anyOf(raw, desc)
	for len(raw) > 0 && !d.full {
		number, kind, tag := protowire.ConsumeTag(raw)
		length := -1
		if tag > 0 {
			length = protowire.ConsumeFieldValue(number, kind, raw[tag:])
		}
		if tag < 0 || length < 0 {
			i := d.add(row{Offset: offset, Depth: depth, Field: damaged, Value: counted(len(raw), "byte")}, raw)
			d.mark(i, "this is no field: it is cut off or damaged")
			return
		}
		value := raw[tag : tag+length]
		f := field(desc, number)
		i := d.field(raw[:tag+length], value, f, inner, number, kind, row{Offset: offset, Depth: depth}, tag)
		if f != nil && f.Cardinality() != protoreflect.Repeated {
			if before, twice := first[number]; twice {
				d.mark(before, "%s is there more than once", f.Name())
				d.mark(i, "%s is there more than once", f.Name())
			} else {
				first[number] = i
				if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
					if other, taken := chosen[o.Name()]; taken && other >= 0 && i >= 0 {
						d.mark(other, "only one of the members of %s may be there", o.Name())
						d.mark(i, "only one of the members of %s may be there", o.Name())
					}
					chosen[o.Name()] = i
				}
			}
		}
		raw, offset = raw[tag+length:], offset+tag+length
	}
}

func field(desc protoreflect.MessageDescriptor, number protowire.Number) protoreflect.FieldDescriptor {
	if desc == nil {
		return nil
	}
	return desc.Fields().ByNumber(number)
}

// field adds a field with all that is in it and returns its row.
func (d *dissection) field(
	whole, value []byte, f protoreflect.FieldDescriptor, inner protoreflect.MessageDescriptor, number protowire.Number, kind protowire.Type, r row, tag int,
) int {
	r.Field = fmt.Sprintf("%d", number)
	if f == nil {
		r.Value = unknownValue(value, kind)
		i := d.add(r, whole)
		d.mark(i, "the schema has no field %d", number)
		return i
	}
	r.Field = string(f.Name())
	switch {
	case !fits(f, kind):
		r.Value = unknownValue(value, kind)
		i := d.add(r, whole)
		d.mark(i, "a field of type %s can't be encoded so", f.Kind())
		return i
	case kind == protowire.VarintType:
		return d.varint(whole, value, f, r)
	case kind != protowire.BytesType:
		r.Value = unknownValue(value, kind)
		return d.add(r, whole)
	}
	content, size := protowire.ConsumeBytes(value)
	size -= len(content) // of the length
	within, inside := f.Message(), true
	if f.FullName() == "google.protobuf.Any.value" {
		within, inside = inner, inner != nil
	}
	if within != nil && inside && r.Depth < maxDepth {
		r.Value = messageName(within)
		if text := stamp(content, within); text != "" {
			r.Value = text
			i := d.add(r, whole)
			if strings.HasPrefix(text, "no valid") {
				d.mark(i, "google.protobuf.Timestamp is from year 1 to 9999, with 0 to 999,999,999 nanoseconds")
			}
			return i
		}
		i := d.add(r, whole[:tag+size])
		d.message(content, within, r.Offset+tag+size, r.Depth+1)
		return i
	}
	r.Value = fmt.Sprintf("%q", clipped(plain(string(content)), 80))
	i := d.add(r, whole)
	if f.Kind() == protoreflect.StringKind && !utf8.Valid(content) {
		d.mark(i, "this is not UTF-8")
	}
	return i
}

func messageName(desc protoreflect.MessageDescriptor) string {
	if desc.IsMapEntry() {
		return "entry"
	}
	return string(desc.Name())
}

// fits reports whether a field may be encoded with the wire type.
func fits(f protoreflect.FieldDescriptor, kind protowire.Type) bool {
	want := protowire.VarintType
	switch f.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		want = protowire.BytesType
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		want = protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		want = protowire.Fixed64Type
	}
	return kind == want || kind == protowire.BytesType && f.IsList() && f.IsPacked()
}

func (d *dissection) varint(whole, value []byte, f protoreflect.FieldDescriptor, r row) int {
	n, _ := protowire.ConsumeVarint(value)
	odd := ""
	switch f.Kind() {
	case protoreflect.BoolKind:
		r.Value = fmt.Sprint(n != 0)
		if n > 1 {
			odd = fmt.Sprintf("a bool is 0 or 1, and this is %d", n)
		}
	case protoreflect.EnumKind:
		r.Value = fmt.Sprint(int32(n))
		if v := f.Enum().Values().ByNumber(protoreflect.EnumNumber(int32(n))); v != nil {
			r.Value = string(v.Name())
		} else {
			odd = fmt.Sprintf("%s has no value %d", f.Enum().Name(), int32(n))
		}
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		r.Value = fmt.Sprint(int64(n))
	default:
		r.Value = fmt.Sprint(n)
	}
	if odd == "" && len(value) > protowire.SizeVarint(n) {
		odd = "the number takes more bytes than it needs"
	}
	i := d.add(r, whole)
	if odd != "" {
		d.mark(i, "%s", odd)
	}
	return i
}

func unknownValue(value []byte, kind protowire.Type) string {
	switch kind {
	case protowire.VarintType:
		n, _ := protowire.ConsumeVarint(value)
		return fmt.Sprint(n)
	case protowire.BytesType:
		content, _ := protowire.ConsumeBytes(value)
		if readable(content) {
			return fmt.Sprintf("%q", clipped(plain(string(content)), 80))
		}
		return counted(len(content), "byte")
	}
	return counted(len(value), "byte")
}
