package rest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// binding is one published route: an HTTP verb on a path template, and how the
// request's parts make the method's message.
type binding struct {
	method    protoreflect.MethodDescriptor
	spec      connect.Spec
	verb      string
	template  *template
	variables []fieldVariable

	wholeBody bool      // body: "*"
	body      fieldPath // body: "field"; nil without one
	response  protoreflect.FieldDescriptor
}

// fieldVariable is a template's variable with its field found.
type fieldVariable struct {
	variable
	path fieldPath
	// many says that the variable can hold slashes, so that the escaped ones
	// stay escaped to be told apart.
	many bool
}

// tolerated lists verbs served besides the annotated one. The annotation of
// Cancel binds GET, the vendor's guide to operations shows POST.
var tolerated = map[protoreflect.FullName]string{
	"yandex.cloud.operation.OperationService.Cancel": http.MethodPost,
}

// anyVerb is what a custom pattern of kind "*" stands for. HEAD and OPTIONS are
// left out: a probe must not change anything unless the annotation names it.
var anyVerb = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// bindingsOf reads the annotation of method; without one it returns nothing.
func bindingsOf(method protoreflect.MethodDescriptor, spec connect.Spec) ([]*binding, error) {
	rule, err := httpRule(method)
	if rule == nil || err != nil {
		return nil, err
	}
	if method.IsStreamingClient() || method.IsStreamingServer() || spec.StreamType != connect.StreamTypeUnary {
		return nil, fmt.Errorf("optest: method %s streams, want a unary one: leave it out of REST", method.FullName())
	}
	var (
		bindings []*binding
		errs     []error
	)
	for _, rule := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		bound, err := bind(method, spec, rule)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w (in the http annotation of %s)", err, method.FullName()))
		}
		bindings = append(bindings, bound...)
	}
	for i, nested := range rule.GetAdditionalBindings() {
		if len(nested.GetAdditionalBindings()) > 0 {
			errs = append(errs, fmt.Errorf("optest: additional binding %d of %s has additional bindings, want one level", i, method.FullName()))
		}
	}
	return bindings, errors.Join(errs...)
}

// httpRule returns nil for a method without the annotation. It reads the option
// from its bytes, so that it is found too in descriptors that were loaded
// before the extension was registered or that hold dynamic options.
func httpRule(method protoreflect.MethodDescriptor) (*annotations.HttpRule, error) {
	raw, err := proto.Marshal(method.Options())
	if err != nil {
		return nil, fmt.Errorf("optest: options of %s: %w", method.FullName(), err)
	}
	var options descriptorpb.MethodOptions
	if err := proto.Unmarshal(raw, &options); err != nil {
		return nil, fmt.Errorf("optest: options of %s: %w", method.FullName(), err)
	}
	if !proto.HasExtension(&options, annotations.E_Http) {
		return nil, nil
	}
	rule, ok := proto.GetExtension(&options, annotations.E_Http).(*annotations.HttpRule)
	if !ok {
		return nil, fmt.Errorf("optest: http annotation of %s is no google.api.HttpRule", method.FullName())
	}
	return rule, nil
}

// bind returns one binding for each verb of rule.
func bind(method protoreflect.MethodDescriptor, spec connect.Spec, rule *annotations.HttpRule) ([]*binding, error) {
	verbs, path, err := pattern(rule)
	if err != nil {
		return nil, err
	}
	parsed, err := parseTemplate(path)
	if err != nil {
		return nil, err
	}
	base := binding{method: method, spec: spec, template: parsed}
	for _, v := range parsed.variables {
		bound, err := bindVariable(method.Input(), parsed, v)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(base.variables, func(other fieldVariable) bool { return other.path.equal(bound.path) }) {
			return nil, fmt.Errorf("optest: path template %q binds %s twice, want once", path, bound.path)
		}
		base.variables = append(base.variables, bound)
	}
	switch body := rule.GetBody(); body {
	case "":
	case "*":
		base.wholeBody = true
	default:
		if base.body, err = findPath(method.Input(), names(body)); err != nil {
			return nil, fmt.Errorf("optest: body: %w", err)
		}
	}
	if name := rule.GetResponseBody(); name != "" {
		if base.response = method.Output().Fields().ByName(protoreflect.Name(name)); base.response == nil {
			return nil, fmt.Errorf("optest: response_body %q, want a field of %s", name, method.Output().FullName())
		}
	}
	bindings := make([]*binding, 0, len(verbs))
	for _, verb := range verbs {
		b := base
		b.verb = verb
		bindings = append(bindings, &b)
	}
	return bindings, nil
}

func pattern(rule *annotations.HttpRule) (verbs []string, path string, err error) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return []string{http.MethodGet}, p.Get, nil
	case *annotations.HttpRule_Put:
		return []string{http.MethodPut}, p.Put, nil
	case *annotations.HttpRule_Post:
		return []string{http.MethodPost}, p.Post, nil
	case *annotations.HttpRule_Delete:
		return []string{http.MethodDelete}, p.Delete, nil
	case *annotations.HttpRule_Patch:
		return []string{http.MethodPatch}, p.Patch, nil
	case *annotations.HttpRule_Custom:
		switch kind := p.Custom.GetKind(); {
		case kind == "*":
			return anyVerb, p.Custom.GetPath(), nil
		case kind == "" || strings.ToUpper(kind) != kind || strings.ContainsAny(kind, " ,\t"):
			return nil, "", fmt.Errorf(`optest: custom pattern of kind %q, want an HTTP verb in upper case or "*"`, kind)
		default:
			return []string{kind}, p.Custom.GetPath(), nil
		}
	default:
		return nil, "", errors.New("optest: http rule without a pattern, want one of get, put, post, delete, patch, custom")
	}
}

func bindVariable(message protoreflect.MessageDescriptor, t *template, v variable) (fieldVariable, error) {
	path, err := findPath(message, v.field)
	if err != nil {
		return fieldVariable{}, fmt.Errorf("optest: path template %q: %w", t.text, err)
	}
	if leaf := path.leaf(); leaf.Cardinality() == protoreflect.Repeated || leaf.Message() != nil {
		return fieldVariable{}, fmt.Errorf("optest: path template %q binds %s, want a field that is neither repeated nor a message", t.text, path)
	}
	many := v.to-v.from != 1 || t.segments[v.from].kind == restSegment
	return fieldVariable{variable: v, path: path, many: many}, nil
}

func names(dotted string) []protoreflect.Name {
	var out []protoreflect.Name
	for part := range strings.SplitSeq(dotted, ".") {
		out = append(out, protoreflect.Name(part))
	}
	return out
}
