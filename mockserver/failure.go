package mockserver

import (
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
)

// errorDomain marks the ErrorInfo of errors that are optest's own, so that a
// test can tell them from scripted ones.
const errorDomain = "optest"

// Reasons in the ErrorInfo of optest's own errors.
const (
	// ReasonNoScenario: no scenario is in play for the request.
	ReasonNoScenario = "NO_SCENARIO"
	// ReasonLimit: one of the server's bounds is reached.
	ReasonLimit = "LIMIT"
	// ReasonFault: a fault can't be played over the call's protocol.
	ReasonFault = "FAULT"
	// ReasonNoYAML: the server reads no YAML, see [ParseYAML].
	ReasonNoYAML = "NO_YAML"
)

// failed is a connect error with typed details.
func failed(code connect.Code, message string, details ...proto.Message) *connect.Error {
	err := connect.NewError(code, message)
	for _, d := range details {
		// Known types with valid fields always encode.
		if detail, e := connectproto.NewErrorDetail(d); e == nil {
			err = err.WithDetail(detail)
		}
	}
	return err
}

// scripted is the error that a scenario asks for.
func scripted(st *status.Status) *connect.Error {
	err := connect.NewError(connect.Code(st.GetCode()), st.GetMessage())
	for _, d := range st.GetDetails() {
		if detail, e := connectproto.NewErrorDetail(d); e == nil {
			err = err.WithDetail(detail)
		}
	}
	return err
}

// ownFailure is an error of optest itself, never confused with a scripted one.
func ownFailure(code connect.Code, reason, message string) *connect.Error {
	return failed(code, "optest: "+message, &errdetails.ErrorInfo{Reason: reason, Domain: errorDomain})
}

func invalid(field, format string, args ...any) *connect.Error {
	violation := &errdetails.BadRequest_FieldViolation{Field: field, Description: fmt.Sprintf(format, args...)}
	return invalidRequest([]*errdetails.BadRequest_FieldViolation{violation})
}

func invalidRequest(violations []*errdetails.BadRequest_FieldViolation) *connect.Error {
	first := violations[0]
	message := fmt.Sprintf("Illegal argument %s: %s", first.GetField(), first.GetDescription())
	if more := len(violations) - 1; more > 0 {
		message += fmt.Sprintf(" (and %d more)", more)
	}
	return failed(connect.CodeInvalidArgument, message, &errdetails.BadRequest{FieldViolations: violations})
}

func notFound(kind, id string) *connect.Error {
	return failed(connect.CodeNotFound, fmt.Sprintf("%s %q not found", kind, id),
		&errdetails.ResourceInfo{ResourceType: kind, ResourceName: id})
}
