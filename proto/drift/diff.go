package drift

import (
	"fmt"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Diff compares two descriptors of one file, declaration by declaration, paired by name. It returns nil if they say the same.
// It reads both and keeps neither.
func Diff(ours, theirs protoreflect.FileDescriptor) []Difference {
	c := &comparison{file: ours.Path()}
	c.attribute("", "path", ours.Path(), theirs.Path())
	c.attribute("", "package", string(ours.Package()), string(theirs.Package()))
	c.attribute("", "syntax", ours.Syntax().String(), theirs.Syntax().String())
	c.options("", ours.Options(), theirs.Options())
	pair(c, "", ours.Messages(), theirs.Messages(), describeMessage, c.message)
	pair(c, "", ours.Enums(), theirs.Enums(), describeEnum, c.enum)
	pair(c, "", ours.Extensions(), theirs.Extensions(), describeField, c.extension)
	pair(c, "", ours.Services(), theirs.Services(), describeService, c.service)
	return c.found
}

// comparison gathers the differences of one file.
type comparison struct {
	file  string
	found []Difference
}

// attribute records what both sides have to say something about.
func (c *comparison) attribute(element, attribute, ours, theirs string) {
	if ours != theirs {
		c.found = append(c.found, Difference{Kind: Changed, File: c.file, Element: element, Attribute: attribute, Ours: ours, Theirs: theirs})
	}
}

// declaration records what a side may leave unsaid; such a side passes an empty string.
func (c *comparison) declaration(element, attribute, ours, theirs string) {
	switch {
	case ours == theirs:
	case ours == "":
		c.found = append(c.found, Difference{Kind: Added, File: c.file, Element: element, Attribute: attribute, Theirs: theirs})
	case theirs == "":
		c.found = append(c.found, Difference{Kind: Removed, File: c.file, Element: element, Attribute: attribute, Ours: ours})
	default:
		c.attribute(element, attribute, ours, theirs)
	}
}

// list is what protoreflect's lists of named descriptors have in common.
type list[D protoreflect.Descriptor] interface {
	Len() int
	Get(i int) D
	ByName(name protoreflect.Name) D
}

// pair calls both for each declaration that stands on both sides, and records the others by their description.
func pair[D protoreflect.Descriptor](
	c *comparison, within string, ours, theirs list[D], describe func(D) string, both func(element string, ours, theirs D),
) {
	for i := range ours.Len() {
		our := ours.Get(i)
		element := within + string(our.Name())
		if their := theirs.ByName(our.Name()); any(their) != nil {
			both(element, our, their)
		} else {
			c.declaration(element, "", describe(our), "")
		}
	}
	for i := range theirs.Len() {
		their := theirs.Get(i)
		if our := ours.ByName(their.Name()); any(our) == nil {
			c.declaration(within+string(their.Name()), "", "", describe(their))
		}
	}
}

func (c *comparison) message(element string, ours, theirs protoreflect.MessageDescriptor) {
	c.attribute(element, "map entry", strconv.FormatBool(ours.IsMapEntry()), strconv.FormatBool(theirs.IsMapEntry()))
	c.options(element, ours.Options(), theirs.Options())
	within := element + "."
	pair(c, within, ours.Fields(), theirs.Fields(), describeField, c.field)
	pair(c, within, ours.Oneofs(), theirs.Oneofs(), describeOneof, c.oneof)
	c.reserved(element, fieldSpans(ours.ReservedRanges()), fieldSpans(theirs.ReservedRanges()))
	c.reservedNames(element, ours.ReservedNames(), theirs.ReservedNames())
	for i := range theirs.Fields().Len() {
		their := theirs.Fields().Get(i)
		c.reuse(within, their.Name(), int32(their.Number()), ours.ReservedNames().Has(their.Name()), ours.ReservedRanges().Has(their.Number()))
	}
	pair(c, within, ours.Messages(), theirs.Messages(), describeMessage, c.message)
	pair(c, within, ours.Enums(), theirs.Enums(), describeEnum, c.enum)
	pair(c, within, ours.Extensions(), theirs.Extensions(), describeField, c.extension)
}

func (c *comparison) field(element string, ours, theirs protoreflect.FieldDescriptor) {
	c.attribute(element, "number", strconv.Itoa(int(ours.Number())), strconv.Itoa(int(theirs.Number())))
	c.attribute(element, "type", typeName(ours), typeName(theirs))
	c.attribute(element, "label", ours.Cardinality().String(), theirs.Cardinality().String())
	c.attribute(element, "json name", strconv.Quote(ours.JSONName()), strconv.Quote(theirs.JSONName()))
	c.attribute(element, "presence", presence(ours), presence(theirs))
	c.attribute(element, "packed", strconv.FormatBool(ours.IsPacked()), strconv.FormatBool(theirs.IsPacked()))
	c.attribute(element, "oneof", oneofName(ours), oneofName(theirs))
	c.options(element, ours.Options(), theirs.Options())
}

func (c *comparison) extension(element string, ours, theirs protoreflect.ExtensionDescriptor) {
	c.attribute(element, "extendee", string(ours.ContainingMessage().FullName()), string(theirs.ContainingMessage().FullName()))
	c.field(element, ours, theirs)
}

func (c *comparison) oneof(element string, ours, theirs protoreflect.OneofDescriptor) {
	c.options(element, ours.Options(), theirs.Options())
}

func (c *comparison) enum(element string, ours, theirs protoreflect.EnumDescriptor) {
	c.attribute(element, "closed", strconv.FormatBool(ours.IsClosed()), strconv.FormatBool(theirs.IsClosed()))
	c.options(element, ours.Options(), theirs.Options())
	within := element + "."
	pair(c, within, ours.Values(), theirs.Values(), describeValue, c.value)
	c.reserved(element, enumSpans(ours.ReservedRanges()), enumSpans(theirs.ReservedRanges()))
	c.reservedNames(element, ours.ReservedNames(), theirs.ReservedNames())
	for i := range theirs.Values().Len() {
		their := theirs.Values().Get(i)
		c.reuse(within, their.Name(), int32(their.Number()), ours.ReservedNames().Has(their.Name()), ours.ReservedRanges().Has(their.Number()))
	}
}

func (c *comparison) value(element string, ours, theirs protoreflect.EnumValueDescriptor) {
	c.attribute(element, "number", strconv.Itoa(int(ours.Number())), strconv.Itoa(int(theirs.Number())))
	c.options(element, ours.Options(), theirs.Options())
}

func (c *comparison) service(element string, ours, theirs protoreflect.ServiceDescriptor) {
	c.options(element, ours.Options(), theirs.Options())
	pair(c, element+".", ours.Methods(), theirs.Methods(), describeMethod, c.method)
}

func (c *comparison) method(element string, ours, theirs protoreflect.MethodDescriptor) {
	c.attribute(element, "signature", describeMethod(ours), describeMethod(theirs))
	c.options(element, ours.Options(), theirs.Options())
}

func describeMessage(m protoreflect.MessageDescriptor) string {
	return fmt.Sprintf("message of %d fields", m.Fields().Len())
}

func describeEnum(e protoreflect.EnumDescriptor) string {
	return fmt.Sprintf("enum of %d values", e.Values().Len())
}

func describeService(s protoreflect.ServiceDescriptor) string {
	return fmt.Sprintf("service of %d methods", s.Methods().Len())
}

func describeOneof(protoreflect.OneofDescriptor) string {
	return "oneof"
}

func describeValue(v protoreflect.EnumValueDescriptor) string {
	return fmt.Sprintf("value %d", v.Number())
}

func describeField(f protoreflect.FieldDescriptor) string {
	return fmt.Sprintf("%s %s = %d", f.Cardinality(), typeName(f), f.Number())
}

func describeMethod(m protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("(%s%s) returns (%s%s)",
		stream(m.IsStreamingClient()), m.Input().FullName(), stream(m.IsStreamingServer()), m.Output().FullName())
}

func stream(streaming bool) string {
	if streaming {
		return "stream "
	}
	return ""
}

func typeName(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Message() != nil:
		return string(f.Message().FullName())
	case f.Enum() != nil:
		return string(f.Enum().FullName())
	}
	return f.Kind().String()
}

func presence(f protoreflect.FieldDescriptor) string {
	if f.HasPresence() {
		return "explicit"
	}
	return "implicit"
}

func oneofName(f protoreflect.FieldDescriptor) string {
	if o := f.ContainingOneof(); o != nil {
		return string(o.Name())
	}
	return "none"
}
