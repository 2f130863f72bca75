package constraint

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// program is what there is to check in one message type.
type program struct {
	desc  protoreflect.MessageDescriptor
	steps []step
	// active is false if nothing can break in such a message at any depth, so
	// that the walk need not enter it.
	active bool
	nested []*program
	errs   []error
}

// errors joins what could not be read here and in every message reachable.
func (p *program) errors() error {
	var errs []error
	seen := map[*program]bool{p: true}
	for queue := []*program{p}; len(queue) > 0; queue = queue[1:] {
		errs = append(errs, queue[0].errs...)
		for _, next := range queue[0].nested {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return errors.Join(errs...)
}

// maxPrograms bounds the cache, for a process that keeps making descriptors; all
// of go-genproto has about 12,000 messages.
const maxPrograms = 1 << 16

var (
	programs   sync.Map // protoreflect.MessageDescriptor to *program
	compiling  sync.Mutex
	cachedSize int // guarded by compiling
)

func programOf(md protoreflect.MessageDescriptor) *program {
	if p, ok := programs.Load(md); ok {
		return p.(*program)
	}
	compiling.Lock()
	defer compiling.Unlock()
	c := compiler{made: map[protoreflect.MessageDescriptor]*program{}}
	root := c.program(md)
	for i := 0; i < len(c.order); i++ {
		c.fill(c.order[i])
	}
	c.prune()
	if cachedSize+len(c.order) > maxPrograms {
		programs.Clear()
		cachedSize = 0
	}
	for _, p := range c.order {
		programs.Store(p.desc, p)
	}
	cachedSize += len(c.order)
	return root
}

// compiler makes the programs of one message and of those reachable from it,
// which may well lead back to it.
type compiler struct {
	made  map[protoreflect.MessageDescriptor]*program
	order []*program
}

func (c *compiler) program(md protoreflect.MessageDescriptor) *program {
	if p, ok := programs.Load(md); ok {
		return p.(*program)
	}
	if p := c.made[md]; p != nil {
		return p
	}
	p := &program{desc: md}
	c.made[md] = p
	c.order = append(c.order, p)
	return p
}

func (c *compiler) fill(p *program) {
	fields := p.desc.Fields()
	mask := updateMask(p.desc)
	for i := range fields.Len() {
		fd := fields.Get(i)
		if od := realOneof(fd); od != nil && od.Fields().Get(0) == fd {
			p.addOneof(od, mask)
		}
		c.addField(p, fd, mask)
	}
}

// realOneof is nil for the oneof that proto3 makes up for an optional field.
func realOneof(fd protoreflect.FieldDescriptor) protoreflect.OneofDescriptor {
	if od := fd.ContainingOneof(); od != nil && !od.IsSynthetic() {
		return od
	}
	return nil
}

func (p *program) addOneof(od protoreflect.OneofDescriptor, mask protoreflect.FieldDescriptor) {
	exactly, err := readExactlyOne(od)
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf("optest: options of %s got %w", od.FullName(), err))
		return
	}
	if exactly || allRequired(od.Fields()) {
		p.steps = append(p.steps, newChoice(od, mask))
	}
}

func allRequired(members protoreflect.FieldDescriptors) bool {
	for i := range members.Len() {
		if o, err := readOptions(members.Get(i)); err != nil || !o.required {
			return false
		}
	}
	return true
}

func (c *compiler) addField(p *program, fd, mask protoreflect.FieldDescriptor) {
	o, err := readOptions(fd)
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf("optest: options of %s got %w", fd.FullName(), err))
	}
	value := fd
	if fd.IsMap() {
		value = fd.MapValue()
	}
	if o.empty() && !isMessage(value) {
		return
	}
	f := field{desc: fd, names: []string{string(fd.Name())}, required: o.required}
	if masked(fd, mask) {
		f.mask = mask
	}
	if isMessage(value) {
		f.nested = c.program(value.Message())
		p.nested = append(p.nested, f.nested)
	}
	p.addRules(&f, o, subjectOf(value))
	p.addCollection(&f, o)
	p.steps = append(p.steps, newStep(f, o.unique))
}

func (p *program) addRules(f *field, o options, value subject) {
	add := func(option, text string, rules *[]rule, build func(string) (rule, error)) {
		if text == "" {
			return
		}
		r, err := build(text)
		if err != nil {
			p.refuse(option, f.desc, err)
			return
		}
		*rules = append(*rules, r)
	}
	add("length", o.length, &f.values, value.length)
	add("bytes", o.bytes, &f.values, value.bytes)
	add("value", o.value, &f.values, value.value)
	add("pattern", o.pattern, &f.values, value.pattern)
	if f.desc.IsMap() {
		key := subjectOf(f.desc.MapKey())
		add("map_key.length", o.keyLength, &f.keys, key.length)
		add("map_key.value", o.keyValue, &f.keys, key.value)
		add("map_key.pattern", o.keyPattern, &f.keys, key.pattern)
	}
}

// addCollection reads what only a list or a map can have.
func (p *program) addCollection(f *field, o options) {
	isList, isMap := f.desc.IsList(), f.desc.IsMap()
	if o.hasKey && !isMap {
		p.refuse("map_key", f.desc, errors.New("a field that is no map, want a map"))
	}
	if o.unique && !isList {
		p.refuse("unique", f.desc, errors.New("a field that is no list, want a list"))
	}
	if o.size == "" {
		return
	}
	if !isList && !isMap {
		p.refuse("size", f.desc, errors.New("a single field, want a list or map"))
		return
	}
	size, err := parseSet(o.size, readCount)
	if err != nil {
		p.refuse("size", f.desc, err)
	}
	f.size = size
}

func (p *program) refuse(option string, d protoreflect.Descriptor, err error) {
	p.errs = append(p.errs, fmt.Errorf("optest: option (yandex.cloud.%s) of %s got %w", option, d.FullName(), err))
}

// prune finds which programs can be broken at all and drops the steps that only
// lead to others.
func (c *compiler) prune() {
	for changed := true; changed; {
		changed = false
		for _, p := range slices.Backward(c.order) { // mostly from the leaves
			if !p.active && slices.ContainsFunc(p.steps, func(s step) bool { return !s.idle() }) {
				p.active, changed = true, true
			}
		}
	}
	for _, p := range c.order {
		p.steps = slices.Clip(slices.DeleteFunc(p.steps, step.idle))
	}
}
