// Package httprule turns requests of methods into HTTP requests and back, as the
// methods' google.api.http annotations say.
package httprule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// binding is one way to call a method over HTTP.
type binding struct {
	verb     string
	pattern  *regexp.Regexp // one group for each variable
	template []part
	body     string // "*", the name of a field, or empty
}

// part is literal text, or the variable that stands in its place.
type part struct{ text, variable string }

// known are bindings by method descriptor.
var known sync.Map

func bindings(m protoreflect.MethodDescriptor) []binding {
	if list, ok := known.Load(m); ok {
		return list.([]binding)
	}
	var list []binding
	if rule, ok := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule); ok && rule != nil {
		for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
			if b, ok := newBinding(r); ok {
				list = append(list, b)
			}
		}
	}
	actual, _ := known.LoadOrStore(m, list)
	return actual.([]binding)
}

func newBinding(r *annotations.HttpRule) (binding, bool) {
	var verb, path string
	switch p := r.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		verb, path = http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		verb, path = http.MethodPost, p.Post
	case *annotations.HttpRule_Put:
		verb, path = http.MethodPut, p.Put
	case *annotations.HttpRule_Patch:
		verb, path = http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		verb, path = http.MethodDelete, p.Delete
	default:
		return binding{}, false
	}
	b := binding{verb: verb, body: r.GetBody()}
	expression := "^"
	for rest := path; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if literal != "" {
			b.template = append(b.template, part{text: literal})
			expression += regexp.QuoteMeta(literal)
		}
		if !found {
			break
		}
		variable, tail, _ := strings.Cut(after, "}")
		name, shape, _ := strings.Cut(variable, "=")
		b.template = append(b.template, part{variable: name})
		if strings.Contains(shape, "**") {
			expression += "(.+)"
		} else {
			expression += "([^/]+)"
		}
		rest = tail
	}
	pattern, err := regexp.Compile(expression + "$")
	if err != nil {
		return binding{}, false
	}
	b.pattern = pattern
	return b, true
}

// Find returns the first of the methods that serves a request, nil if none does.
func Find(methods []protoreflect.MethodDescriptor, verb, target string) protoreflect.MethodDescriptor {
	path, _, _ := strings.Cut(target, "?")
	var found protoreflect.MethodDescriptor
	longest := -1
	for _, m := range methods {
		for _, b := range bindings(m) {
			// Of two that match, such as /{id} and /{id}:cancel, the one with more text.
			if text := b.literal(); b.verb == verb && b.pattern.MatchString(path) && text > longest {
				found, longest = m, text
			}
		}
	}
	return found
}

func (b binding) literal() int {
	n := 0
	for _, p := range b.template {
		n += len(p.text)
	}
	return n
}

// ErrNoRoute is that of a request which is none of the method's.
var ErrNoRoute = errors.New("no HTTP rule of the method")

// Decode sets a request's fields from an HTTP request with the given target and
// body.
func Decode(desc protoreflect.MethodDescriptor, verb, target string, body []byte, into proto.Message) error {
	path, query, _ := strings.Cut(target, "?")
	for _, b := range bindings(desc) {
		groups := b.pattern.FindStringSubmatch(path)
		if b.verb != verb || groups == nil {
			continue
		}
		m := into.ProtoReflect()
		if err := b.decodeBody(m, body); err != nil {
			return err
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		for name, texts := range values {
			for _, text := range texts {
				if err := set(m, name, text); err != nil {
					return err
				}
			}
		}
		group := 1
		for _, p := range b.template {
			if p.variable == "" {
				continue
			}
			text, err := url.PathUnescape(groups[group])
			if err != nil {
				return fmt.Errorf("path: %w", err)
			}
			if err := set(m, p.variable, text); err != nil {
				return err
			}
			group++
		}
		return nil
	}
	return fmt.Errorf("%s %s: %w", verb, path, ErrNoRoute)
}

func (b binding) decodeBody(m protoreflect.Message, body []byte) error {
	if len(strings.TrimSpace(string(body))) == 0 || b.body == "" {
		return nil
	}
	if b.body != "*" {
		object, err := json.Marshal(map[string]json.RawMessage{b.body: body})
		if err != nil {
			return fmt.Errorf("body: %w", err)
		}
		body = object
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, m.Interface())
}

// set sets a scalar field by its name or JSON name.
func set(m protoreflect.Message, name, text string) error {
	head, rest, nested := strings.Cut(name, ".")
	f := m.Descriptor().Fields().ByName(protoreflect.Name(head))
	if f == nil {
		f = m.Descriptor().Fields().ByJSONName(head)
	}
	if f == nil {
		return nil // of no field: what a server makes of it is its own business
	}
	if nested && f.Message() != nil && !f.IsList() && !f.IsMap() {
		return set(m.Mutable(f).Message(), rest, text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return err
	}
	value := quoted
	if f.Kind() == protoreflect.BoolKind {
		value = []byte(text)
	}
	if f.IsList() {
		value = slices.Concat([]byte("["), value, []byte("]"))
	}
	one := m.New()
	object := slices.Concat([]byte("{"), []byte(strconv.Quote(f.JSONName())), []byte(":"), value, []byte("}"))
	if err := protojson.Unmarshal(object, one.Interface()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	proto.Merge(m.Interface(), one.Interface())
	return nil
}

// Encode is the HTTP request for a request of the method, by its first rule.
func Encode(desc protoreflect.MethodDescriptor, request proto.Message) (verb, target string, body []byte, err error) {
	list := bindings(desc)
	if len(list) == 0 {
		return "", "", nil, fmt.Errorf("%s: %w", desc.FullName(), ErrNoRoute)
	}
	b := list[0]
	m := proto.Clone(request).ProtoReflect()
	for _, p := range b.template {
		if p.variable == "" {
			target += p.text
			continue
		}
		f := m.Descriptor().Fields().ByName(protoreflect.Name(p.variable))
		if f == nil || f.Kind() != protoreflect.StringKind {
			return "", "", nil, fmt.Errorf("%s: path variable %s is no field of text", desc.FullName(), p.variable)
		}
		target += url.PathEscape(m.Get(f).String())
		m.Clear(f)
	}
	switch {
	case b.body == "*":
		body, err = protojson.Marshal(m.Interface())
		return b.verb, target, body, err
	case b.body != "":
		return "", "", nil, fmt.Errorf("%s: a body of one field is not supported", desc.FullName())
	}
	query := url.Values{}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if f.IsMap() || f.Message() != nil {
			err = fmt.Errorf("%s: field %s can't be in a query", desc.FullName(), f.Name())
			return false
		}
		if f.IsList() {
			for i := range v.List().Len() {
				query.Add(f.JSONName(), fmt.Sprint(v.List().Get(i).Interface()))
			}
			return true
		}
		query.Set(f.JSONName(), fmt.Sprint(v.Interface()))
		return true
	})
	if encoded := query.Encode(); encoded != "" {
		target += "?" + encoded
	}
	return b.verb, target, nil, err
}
