package rest

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// routes finds the binding of a request. Templates are a tree over segments: a
// literal wins over "*", "*" over "**", and a verb that the nearer template
// lacks may still be served by the wider one, as in http.ServeMux. A custom
// verb is different: where "…:cancel" is published, "x:cancel" is never an id.
type routes struct {
	root     node
	verbs    map[string]bool // custom verbs of all templates
	bindings []*binding      // in the order of publication
}

type node struct {
	literals map[string]*node
	one      *node
	ends     []*binding // templates that end here
	rests    []*binding // templates with "**" from here on
}

func publish(server *connect.Server, methods []protoreflect.MethodDescriptor) (*routes, error) {
	registered := map[string]connect.Spec{}
	for spec := range server.Specs() {
		registered[spec.Procedure] = spec
	}
	r := &routes{verbs: map[string]bool{}}
	var errs []error
	var tolerable []*binding
	for _, method := range methods {
		procedure := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
		spec, ok := registered[procedure]
		if !ok {
			spec = connect.Spec{Procedure: procedure, Schema: method}
		}
		bindings, err := bindingsOf(method, spec)
		if err != nil {
			errs = append(errs, err)
		}
		for _, b := range bindings {
			if other := r.add(b); other != nil {
				errs = append(errs, fmt.Errorf("optest: %s %s of %s is published by %s already, want each route once",
					b.verb, b.template.text, method.FullName(), other.method.FullName()))
			}
		}
		if verb, ok := tolerated[method.FullName()]; ok {
			for _, b := range bindings {
				also := *b
				also.verb = verb
				tolerable = append(tolerable, &also)
			}
		}
	}
	for _, b := range tolerable {
		r.add(b) // an annotated route of another method keeps its place
	}
	return r, errors.Join(errs...)
}

// add returns the binding that holds b's place, if there is one.
func (r *routes) add(b *binding) *binding {
	n := &r.root
	place := &n.ends
	for _, s := range b.template.segments {
		switch s.kind {
		case restSegment:
			place = &n.rests
			continue
		case oneSegment:
			if n.one == nil {
				n.one = &node{}
			}
			n = n.one
		default:
			next := n.literals[s.text]
			if next == nil {
				next = &node{}
				if n.literals == nil {
					n.literals = map[string]*node{}
				}
				n.literals[s.text] = next
			}
			n = next
		}
		place = &n.ends
	}
	for _, other := range *place {
		if other.verb == b.verb && other.template.verb == b.template.verb {
			return other
		}
	}
	*place = append(*place, b)
	r.verbs[b.template.verb] = true
	r.bindings = append(r.bindings, b)
	return nil
}

// lookup is one search and its outcome: a binding, or the HTTP verbs that the
// path has, or neither.
type lookup struct {
	verb     string
	custom   string
	segments []string // raw, the last without the custom verb
	buffer   [8]string

	binding *binding
	allow   []string
}

// find looks for verb on the path, which is percent-encoded as it came.
func (r *routes) find(l *lookup, verb, path string) {
	path, ok := strings.CutPrefix(path, "/")
	if !ok {
		return
	}
	l.verb = verb
	l.segments = l.buffer[:0]
	for {
		segment, rest, more := strings.Cut(path, "/")
		l.segments = append(l.segments, segment)
		if !more {
			break
		}
		path = rest
	}
	last := len(l.segments) - 1
	segment := l.segments[last]
	if colon := strings.LastIndexByte(segment, ':'); colon >= 0 {
		if custom := unescape(segment[colon+1:]); custom != "" && r.verbs[custom] {
			l.custom = custom
			l.segments[last] = segment[:colon]
			// Without a name before the colon there is no id to act on, and the
			// whole is no id either.
			if l.walk(&r.root, 0); l.binding != nil || len(l.allow) > 0 || colon == 0 {
				slices.Sort(l.allow)
				return
			}
			l.custom = ""
			l.segments[last] = segment
		}
	}
	l.walk(&r.root, 0)
	slices.Sort(l.allow)
}

// walk visits every node at most once, so a path costs at most the size of the
// tree.
func (l *lookup) walk(n *node, at int) {
	if at == len(l.segments) {
		l.choose(n.ends)
		l.choose(n.rests)
		return
	}
	segment := l.segments[at]
	if next := n.literals[unescape(segment)]; next != nil {
		l.walk(next, at+1)
	}
	if n.one != nil && segment != "" && l.binding == nil {
		l.walk(n.one, at+1)
	}
	l.choose(n.rests)
}

func (l *lookup) choose(candidates []*binding) {
	for _, b := range candidates {
		switch {
		case l.binding != nil:
			return
		case b.template.verb != l.custom:
		case b.verb == l.verb:
			l.binding = b
		case !slices.Contains(l.allow, b.verb):
			l.allow = append(l.allow, b.verb)
		}
	}
}

// unescape decodes a segment of an escaped path, which url.URL.EscapedPath makes
// sure can be decoded.
func unescape(segment string) string {
	if strings.IndexByte(segment, '%') < 0 {
		return segment
	}
	if text, err := url.PathUnescape(segment); err == nil {
		return text
	}
	return segment
}
