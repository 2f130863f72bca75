package rules

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// judgeCompatibility compares the server's descriptors with those that its clients
// are compiled with.
func judgeCompatibility(env *Env, sink *Sink) {
	if env.Descriptors == nil {
		return
	}
	c := comparison{theirs: env.Descriptors, sink: sink, seen: map[protoreflect.FullName]bool{}}
	for _, s := range servicesOf(protoregistry.GlobalFiles) {
		d, _ := env.Descriptors.FindDescriptorByName(s.FullName())
		their, ok := d.(protoreflect.ServiceDescriptor)
		if !ok {
			c.tell("the server's descriptors have no service %s", s.FullName())
			continue
		}
		for i := range s.Methods().Len() {
			c.method(s.Methods().Get(i), their)
		}
	}
}

// comparison goes through messages once each. It follows the contract's, which are
// not many, whatever the server's descriptors are.
type comparison struct {
	theirs *protoregistry.Files
	sink   *Sink
	seen   map[protoreflect.FullName]bool
}

func (c *comparison) tell(format string, args ...any) { c.sink.Breach(nil, format, args...) }

func (c *comparison) method(ours protoreflect.MethodDescriptor, service protoreflect.ServiceDescriptor) {
	c.sink.Exercise(string(ours.FullName()))
	theirs := service.Methods().ByName(ours.Name())
	if theirs == nil {
		c.tell("the server's descriptors have no method %s", ours.FullName())
		return
	}
	for _, side := range []struct {
		what       string
		our, their protoreflect.FullName
	}{{"takes", ours.Input().FullName(), theirs.Input().FullName()}, {"returns", ours.Output().FullName(), theirs.Output().FullName()}} {
		if side.our != side.their {
			c.tell("%s %s %s by the server's descriptors and %s by the contract", ours.FullName(), side.what, side.their, side.our)
		}
	}
	if ours.IsStreamingClient() != theirs.IsStreamingClient() || ours.IsStreamingServer() != theirs.IsStreamingServer() {
		c.tell("%s is a stream in one of the server's descriptors and the contract, and not in the other", ours.FullName())
	}
	c.message(ours.Input())
	c.message(ours.Output())
	if a := annotationOf(ours); a != nil {
		for _, name := range []string{a.GetMetadata(), a.GetResponse()} {
			if m := resolvedIn(protoregistry.GlobalFiles, ours, name); name != "" && m != nil {
				c.message(m)
			}
		}
	}
}

func (c *comparison) message(ours protoreflect.MessageDescriptor) {
	if c.seen[ours.FullName()] || ours.ParentFile().Package() == wellKnown {
		return
	}
	c.seen[ours.FullName()] = true
	c.sink.Exercise(string(ours.FullName()))
	d, _ := c.theirs.FindDescriptorByName(ours.FullName())
	theirs, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		c.tell("the server's descriptors have no message %s", ours.FullName())
		return
	}
	for i := range ours.Fields().Len() {
		c.field(ours.Fields().Get(i), theirs)
	}
	for i := range theirs.Fields().Len() {
		if f := theirs.Fields().Get(i); ours.ReservedRanges().Has(f.Number()) {
			c.tell("the server's descriptors give %s the number %d, which the contract has reserved because old programs use it for something else", f.FullName(), f.Number())
		}
	}
}

func (c *comparison) field(ours protoreflect.FieldDescriptor, message protoreflect.MessageDescriptor) {
	byName, byNumber := message.Fields().ByName(ours.Name()), message.Fields().ByNumber(ours.Number())
	switch {
	case byName != nil && byName.Number() != ours.Number():
		c.tell("%s has the number %d by the contract and %d by the server's descriptors; what one side writes in binary into this field, the other reads as another one or not at all", ours.FullName(), ours.Number(), byName.Number())
		return
	case byNumber == nil:
		c.tell("the server's descriptors have no %s, number %d; what clients write there is lost", ours.FullName(), ours.Number())
		return
	case byName == nil:
		c.tell("%s, number %d, is called %s by the server's descriptors; in JSON, neither side finds the other's", ours.FullName(), ours.Number(), byNumber.Name())
	case ours.JSONName() != byName.JSONName():
		c.tell("%s is %q in JSON by the contract and %q by the server's descriptors", ours.FullName(), ours.JSONName(), byName.JSONName())
	}
	if our, their := form(ours), form(byNumber); our != their {
		c.tell("%s is %s by the contract and %s by the server's descriptors", ours.FullName(), our, their)
		return
	}
	switch {
	case ours.IsMap() && ours.MapValue().Message() != nil:
		c.message(ours.MapValue().Message())
	case ours.IsMap():
	case ours.Message() != nil:
		c.message(ours.Message())
	case ours.Enum() != nil:
		c.enum(ours.Enum(), byNumber.Enum())
	}
}

// form is how a field is written: two fields of one form read each other.
func form(f protoreflect.FieldDescriptor) string {
	if f.IsMap() {
		return fmt.Sprintf("a map of %s to %s", form(f.MapKey()), form(f.MapValue()))
	}
	name := f.Kind().String()
	switch {
	case f.Message() != nil: // a group is not written as a message is
		name += " " + string(f.Message().FullName())
	case f.Enum() != nil:
		name += " " + string(f.Enum().FullName())
	}
	if f.IsList() {
		return "repeated " + name
	}
	return name
}

func (c *comparison) enum(ours, theirs protoreflect.EnumDescriptor) {
	if c.seen[ours.FullName()] {
		return
	}
	c.seen[ours.FullName()] = true
	for i := range ours.Values().Len() {
		v := ours.Values().Get(i)
		switch their := theirs.Values().ByNumber(v.Number()); {
		case their == nil:
			c.tell("the server's descriptors have no %s, number %d", v.FullName(), v.Number())
		case their.Name() != v.Name():
			c.tell("%s, number %d, is called %s by the server's descriptors; in JSON, neither side finds the other's", v.FullName(), v.Number(), their.Name())
		}
	}
}

// numbering is how requests of one kind about one image ended.
type numbering struct {
	refused, taken [2]int // in binary and in JSON
	first          [2]*Seen
}

// maxNumberings bounds the kinds; the oldest are forgotten.
const maxNumberings = 1024

// judgeNumbering looks for a method that can't read a kind of request in binary, by
// the numbers of fields, and can in JSON, by their names.
func judgeNumbering(*Env) Machine {
	known := map[string]*numbering{}
	var order []string
	return Machine{
		Call: func(s *Seen, _ *Sink) {
			image := imageOf(s.Request)
			if image == "" || !s.Starts() || !s.OK() && !refused(s) {
				return
			}
			key := s.Event.Method + " " + image + " " + populated(s.Request.ProtoReflect())
			n := known[key]
			if n == nil {
				if len(order) == maxNumberings {
					delete(known, order[0])
					order = slices.Delete(order, 0, 1)
				}
				n = &numbering{}
				known[key], order = n, append(order, key)
			}
			codec := 0
			if s.RequestCodec == optestv1.Event_JSON {
				codec = 1
			}
			count := &n.taken[codec]
			if !s.OK() {
				count = &n.refused[codec]
			}
			if *count++; n.first[codec] == nil {
				n.first[codec] = s
			}
		},
		End: func(sink *Sink) {
			for _, key := range order {
				n := known[key]
				if n.first[0] == nil || n.first[1] == nil {
					continue
				}
				sink.Exercise(key)
				const enough = 2
				if n.refused[0] >= enough && n.taken[0] == 0 && n.refused[1] == 0 {
					sink.Breach(n.first[:], "%s in binary was refused with INVALID_ARGUMENT, as were all %d requests of its kind, and %s in JSON was taken, as were all %d; the two name the same fields, by number and by name, so that the server has other numbers for them", n.first[0].When(), n.refused[0], n.first[1].When(), n.taken[1])
				}
			}
		},
	}
}

// populated are the fields that a request sets.
func populated(m protoreflect.Message) string {
	var names []string
	m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		names = append(names, string(f.Name()))
		return true
	})
	slices.Sort(names)
	return strings.Join(names, ",")
}
