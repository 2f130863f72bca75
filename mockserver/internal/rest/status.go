package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/protobuf/encoding/protojson"
)

// httpCodes maps google.rpc.Code to HTTP, as the comments of google/rpc/code.proto
// and the vendor's table of errors have it. 499 is nginx's "client closed
// request", which net/http has no name for.
var httpCodes = [...]int{
	connect.CodeCanceled:           499,
	connect.CodeUnknown:            http.StatusInternalServerError,
	connect.CodeInvalidArgument:    http.StatusBadRequest,
	connect.CodeDeadlineExceeded:   http.StatusGatewayTimeout,
	connect.CodeNotFound:           http.StatusNotFound,
	connect.CodeAlreadyExists:      http.StatusConflict,
	connect.CodePermissionDenied:   http.StatusForbidden,
	connect.CodeResourceExhausted:  http.StatusTooManyRequests,
	connect.CodeFailedPrecondition: http.StatusBadRequest,
	connect.CodeAborted:            http.StatusConflict,
	connect.CodeOutOfRange:         http.StatusBadRequest,
	connect.CodeUnimplemented:      http.StatusNotImplemented,
	connect.CodeInternal:           http.StatusInternalServerError,
	connect.CodeUnavailable:        http.StatusServiceUnavailable,
	connect.CodeDataLoss:           http.StatusInternalServerError,
	connect.CodeUnauthenticated:    http.StatusUnauthorized,
}

// httpStatus gives 500 to codes outside google.rpc.Code.
func httpStatus(code connect.Code) int {
	if int64(code) < int64(len(httpCodes)) && httpCodes[code] != 0 {
		return httpCodes[code]
	}
	return http.StatusInternalServerError
}

func asConnect(err error) (*connect.Error, bool) {
	e, ok := errors.AsType[*connect.Error](err)
	return e, ok && e != nil
}

// wireError is what a client may see of err: as over the other protocols, only
// a local connect.Error shows its message and details.
func wireError(err error) *connect.Error {
	switch e, ok := asConnect(err); {
	case ok && e.IsRemote():
		return connect.NewError(connect.CodeInternal, "")
	case ok:
		return e
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeCanceled, "")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, "")
	default:
		return connect.NewError(connect.CodeUnknown, "")
	}
}

// statusJSON is google.rpc.Status. Code and message are always there, because
// a client that looks for them should not have to know of ProtoJSON's defaults.
type statusJSON struct {
	Code    uint32            `json:"code"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details,omitempty"`
}

// Misshapen is an error that is answered in another way than the contract has
// it. It is no more than Err over other protocols.
type Misshapen struct {
	Err    error
	Status int  // HTTP's, 0 for that of the error's code
	Text   bool // the answer is the error's message as text/plain
}

func (m *Misshapen) Error() string { return m.Err.Error() }
func (m *Misshapen) Unwrap() error { return m.Err }

// writeVerdict answers with err.
func writeVerdict(w http.ResponseWriter, err error) {
	verdict := wireError(err)
	status := httpStatus(verdict.Code())
	if m, ok := errors.AsType[*Misshapen](err); ok {
		status = cmp.Or(m.Status, status)
		if m.Text {
			write(w, status, textContentType, []byte(verdict.Message()))
			return
		}
	}
	writeError(w, status, verdict)
}

func writeError(w http.ResponseWriter, status int, verdict *connect.Error) {
	body := statusJSON{Code: uint32(verdict.Code()), Message: verdict.Message()}
	for _, detail := range verdict.Details() {
		body.Details = append(body.Details, detailJSON(detail))
	}
	buffer := takeBuffer()
	defer giveBuffer(buffer)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	// It is made of text and of JSON that detailJSON made: nothing can fail.
	_ = encoder.Encode(body)
	writeJSON(w, status, bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
}

// detailJSON is the detail as ProtoJSON writes an Any. Where the type is not
// registered or the bytes are not of the type, the answer carries the bytes.
func detailJSON(detail *connect.ErrorDetail) json.RawMessage {
	packed := connectproto.ErrorDetailToAny(detail)
	if raw, err := protojson.Marshal(packed); err == nil {
		return compact(raw)
	}
	raw, err := json.Marshal(struct {
		Type  string `json:"@type"`
		Value string `json:"value"`
	}{packed.GetTypeUrl(), base64.StdEncoding.EncodeToString(packed.GetValue())})
	if err != nil {
		return json.RawMessage("{}")
	}
	return raw
}
