package exchange

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

const (
	grpcStatus  = "Grpc-Status"
	grpcMessage = "Grpc-Message"
	grpcDetails = "Grpc-Status-Details-Bin"
)

// statusOf is the status in the fields, nil for OK.
func statusOf(fields http.Header) *trace.Failure {
	text := fields.Get(grpcStatus)
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return &trace.Failure{Code: code.Code_UNKNOWN, Message: fmt.Sprintf("grpc-status %q is no number", text)}
	}
	if n == 0 {
		return nil
	}
	f := &trace.Failure{Code: code.Code(n), Message: percentDecoded(fields.Get(grpcMessage))}
	if details := fields.Get(grpcDetails); details != "" {
		if raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(details, "=")); err == nil {
			f.Details = raw
		}
	}
	return f
}

// percentDecoded leaves what is no percent-encoding as it is: no message may be
// lost to a character in it.
func percentDecoded(text string) string {
	if !strings.Contains(text, "%") {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				plain = append(plain, byte(n))
				i += 2
				continue
			}
		}
		plain = append(plain, text[i])
	}
	return strings.ToValidUTF8(string(plain), "\uFFFD")
}

// codeOf is what an HTTP status means that comes without a code.
func (c *Call) codeOf(status int) code.Code {
	switch c.protocol {
	case optestv1.Event_REST, optestv1.Event_OTHER:
		return codeOfREST(status)
	}
	return codeOfHTTP(status)
}

// codeOfHTTP is what gRPC and Connect take an HTTP status for that comes without a
// code of theirs.
func codeOfHTTP(status int) code.Code {
	switch status {
	case http.StatusBadRequest, http.StatusRequestHeaderFieldsTooLarge:
		return code.Code_INTERNAL
	case http.StatusUnauthorized:
		return code.Code_UNAUTHENTICATED
	case http.StatusForbidden:
		return code.Code_PERMISSION_DENIED
	case http.StatusNotFound:
		return code.Code_UNIMPLEMENTED
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return code.Code_UNAVAILABLE
	}
	return code.Code_UNKNOWN
}

// statusClientClosedRequest is nginx's, which net/http has no name for.
const statusClientClosedRequest = 499

// codeOfREST is the code that the API's guide gives an HTTP status.
func codeOfREST(status int) code.Code {
	switch status {
	case http.StatusBadRequest:
		return code.Code_INVALID_ARGUMENT
	case http.StatusUnauthorized:
		return code.Code_UNAUTHENTICATED
	case http.StatusForbidden:
		return code.Code_PERMISSION_DENIED
	case http.StatusNotFound:
		return code.Code_NOT_FOUND
	case http.StatusConflict:
		return code.Code_ALREADY_EXISTS
	case http.StatusTooManyRequests:
		return code.Code_RESOURCE_EXHAUSTED
	case statusClientClosedRequest:
		return code.Code_CANCELLED
	case http.StatusNotImplemented:
		return code.Code_UNIMPLEMENTED
	case http.StatusServiceUnavailable:
		return code.Code_UNAVAILABLE
	case http.StatusGatewayTimeout:
		return code.Code_DEADLINE_EXCEEDED
	}
	return code.Code_UNKNOWN
}
