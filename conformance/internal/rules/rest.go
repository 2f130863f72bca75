package rules

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	"github.com/optest-dev/optest/trace"
)

// errNoRequest is that of an event which does not tell its request.
var errNoRequest = errors.New("the request was not seen")

// restRequest is what a request over REST asks for: by its target and its body.
func restRequest(m *Method, e *trace.Event) (proto.Message, error) {
	verb, target, ok := strings.Cut(e.HTTPRequest, " ")
	if !ok {
		return nil, errNoRequest
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(m.Desc.Input().FullName())
	if err != nil {
		return nil, fmt.Errorf("type %s is not linked in: %w", m.Desc.Input().FullName(), err)
	}
	var body []byte
	if e.Request != nil {
		body = e.Request.Bytes()
	}
	request := kind.New().Interface()
	if err := httprule.Decode(m.Desc, verb, target, body, request); err != nil {
		return nil, err
	}
	return request, nil
}
