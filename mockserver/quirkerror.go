package mockserver

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// when says which answers a distortion is for.
type when int

const (
	onError when = iota
	onSuccess
	always
)

var (
	overGRPC    = []string{connect.ProtocolNameGRPC}
	overAnyGRPC = []string{connect.ProtocolNameGRPC, connect.ProtocolNameGRPCWeb}
	overREST    = []string{rest.ProtocolName}
	overConnect = []string{connect.ProtocolNameConnect}
)

// distortions change an answer that is complete and not yet sent.
var distortions = []struct {
	kind   optestv1.QuirkFault_Kind
	over   []string
	when   when
	change func(*breakage.Whole)
}{
	{optestv1.QuirkFault_STATUS_17, overAnyGRPC, onError, func(w *breakage.Whole) { w.Trailer.Set(grpcStatus, "17") }},
	{optestv1.QuirkFault_STATUS_BESIDE_MESSAGE, overGRPC, onSuccess, addStatus},
	{optestv1.QuirkFault_MESSAGE_RAW, overAnyGRPC, onError, rawMessage},
	{optestv1.QuirkFault_MESSAGE_INJECTS, overAnyGRPC, onError, injectingMessage},
	{optestv1.QuirkFault_DETAILS_DIFFER, overAnyGRPC, onError, differentDetails},
	{optestv1.QuirkFault_STATUS_IN_HTTP, overGRPC, onError, func(w *breakage.Whole) { w.Status = rest.HTTPStatus(codeOf(w)) }},
	{optestv1.QuirkFault_CONTENT_TYPE_HTML, overGRPC, always, func(w *breakage.Whole) { w.Header.Set("Content-Type", "text/html") }},
	{optestv1.QuirkFault_HTTP_STATUS_WRONG, overREST, onError, func(w *breakage.Whole) { w.Status = http.StatusUnprocessableEntity }},
	{optestv1.QuirkFault_BODY_WRAPPED, overREST, onError, wrappedBody},
	{optestv1.QuirkFault_BODY_HTML, overREST, onError, htmlBody},
	{optestv1.QuirkFault_CONNECT_ERROR_WITH_200, overConnect, onError, func(w *breakage.Whole) { w.Status = http.StatusOK }},
}

const (
	grpcStatus  = "Grpc-Status"
	grpcMessage = "Grpc-Message"
	grpcDetails = "Grpc-Status-Details-Bin"
)

// distort has the answer, of which err is the outcome, changed as quirks ask for.
func (c *call) distort(err error) {
	if c.answer == nil || !c.quirky(c.played) {
		return
	}
	outcome := onSuccess
	if err != nil {
		outcome = onError
	}
	for _, d := range distortions {
		if !slices.Contains(d.over, c.record.Protocol) || d.when != always && d.when != outcome {
			continue
		}
		if q := c.has(d.kind, c.played); q != nil && c.answer.Reshape(d.change) == nil {
			c.note(q)
		}
	}
}

func codeOf(w *breakage.Whole) connect.Code {
	n, _ := strconv.ParseUint(w.Trailer.Get(grpcStatus), 10, 32)
	return connect.Code(n)
}

func addStatus(w *breakage.Whole) {
	w.Trailer.Set(grpcStatus, strconv.Itoa(int(code.Code_INTERNAL)))
	w.Trailer.Set(grpcMessage, "The message is complete all the same")
}

// rawMessage undoes the percent-encoding that gRPC prescribes.
func rawMessage(w *breakage.Whole) {
	if text, err := url.PathUnescape(w.Trailer.Get(grpcMessage)); err == nil {
		w.Trailer.Set(grpcMessage, text)
	}
}

func injectingMessage(w *breakage.Whole) {
	w.Trailer.Set(grpcMessage, w.Trailer.Get(grpcMessage)+"\nx-injected: yes")
}

// differentDetails leaves the code in the status alone.
func differentDetails(w *breakage.Whole) {
	st := &status.Status{Message: w.Trailer.Get(grpcMessage)}
	if raw, err := base64.RawStdEncoding.DecodeString(w.Trailer.Get(grpcDetails)); err == nil {
		// Where it can't be read, the details hold the code alone.
		_ = proto.Unmarshal(raw, st)
	}
	st.Code = int32(code.Code_INTERNAL)
	if raw, err := proto.Marshal(st); err == nil {
		w.Trailer.Set(grpcDetails, base64.RawStdEncoding.EncodeToString(raw))
	}
}

// wrappedBody is an error as other APIs send it (AIP-193).
func wrappedBody(w *breakage.Whole) {
	if raw, err := json.Marshal(map[string]json.RawMessage{"error": w.Body}); err == nil {
		w.Body = raw
	}
}

func htmlBody(w *breakage.Whole) {
	w.Header.Set("Content-Type", "text/html; charset=utf-8")
	w.Body = fmt.Appendf(nil, "<html><body><h1>%d %s</h1><pre>%s</pre></body></html>", w.Status, http.StatusText(w.Status), html.EscapeString(string(w.Body)))
}
