// Package rest serves the unary methods of a connect.Server as JSON over HTTP
// at the paths that their google.api.http annotations publish. A request is
// decoded straight into the method's message and dispatched by Server.Call, so
// the server's interceptors see it like a call over any other protocol.
//
// Requests. The fields of a message come from the path, the query and a
// ProtoJSON body as the annotation divides them. Whatever names no field is
// refused, because a mock that drops it hides a client's typo. HTTP verbs are
// the annotated ones and the few of [tolerated]; any other verb on a published
// path, HEAD and OPTIONS included, is answered 405 and never reaches a handler.
//
// Answers. A message is compact ProtoJSON. An error is a bare google.rpc.Status
// with the HTTP code of its google.rpc.Code. HTTP has no trailers that every
// client reads, so response trailers go out as plain headers.
//
// Time. A call ends with the request's context, which net/http cancels when the
// client goes away. No header carries a deadline over REST: grpc-timeout and
// its like are handed to the handler unread.
package rest

import (
	"errors"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// ProtocolName is what CallInfo.Protocol says of a call that came over REST.
const ProtocolName = "rest"

// Handler answers REST requests. It is safe for concurrent use.
type Handler struct {
	server *connect.Server
	routes *routes
	config config
}

// New publishes those of methods that carry a google.api.http annotation. It
// reports every annotation that cannot be served, joined: one that breaks the
// annotation language, names no field, collides with another, or sits on a
// streaming method. A method that server does not know is published all the
// same and answers as the server answers unknown procedures.
//
// Register every method on server before the call.
func New(server *connect.Server, methods []protoreflect.MethodDescriptor, opts ...Option) (*Handler, error) {
	if server == nil {
		return nil, errors.New("optest: rest server nil, want a connect.Server")
	}
	h := &Handler{server: server, config: defaultConfig()}
	var errs []error
	for _, opt := range opts {
		if err := opt.apply(&h.config); err != nil {
			errs = append(errs, err)
		}
	}
	var err error
	if h.routes, err = publish(server, methods); err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return h, nil
}

// Match reports whether r's path is a published one, whatever the verb. A
// template may match every path ("/{name=**}"), so where RPC paths are mounted
// beside REST, ask for those first.
func (h *Handler) Match(r *http.Request) bool {
	var l lookup
	h.routes.find(&l, r.Method, r.URL.EscapedPath())
	return l.binding != nil || len(l.allow) > 0
}

// ServeHTTP answers r, always with JSON.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var l lookup
	path := r.URL.EscapedPath()
	h.routes.find(&l, r.Method, path)
	switch {
	case l.binding != nil:
		h.call(w, r, &l)
	case len(l.allow) > 0:
		allow := strings.Join(l.allow, ", ")
		w.Header().Set("Allow", allow)
		writeError(w, http.StatusMethodNotAllowed, connect.Errorf(connect.CodeUnimplemented,
			"optest: verb %s on %s, want %s", quote(r.Method), quote(path), allow))
	default:
		writeError(w, http.StatusNotFound, connect.Errorf(connect.CodeNotFound,
			"optest: path %s matches no REST route, %s", quote(path), h.routes.advise(r.Method, path)))
	}
}

func (h *Handler) call(w http.ResponseWriter, r *http.Request, l *lookup) {
	if err := unsupportedMedia(l.binding, r); err != nil {
		writeError(w, http.StatusUnsupportedMediaType, err)
		return
	}
	info := &connect.CallInfo{
		Spec:             l.binding.spec,
		PeerAddr:         r.RemoteAddr,
		Protocol:         ProtocolName,
		Codec:            connect.CodecNameJSON,
		RequestEncoding:  connect.CompressionNameIdentity,
		ResponseEncoding: connect.CompressionNameIdentity,
	}
	header := info.RequestHeader()
	for key, values := range r.Header {
		header.SetValues(key, values)
	}
	// net/http moves Host out of the headers; the other protocols put it back.
	header.Set("Host", r.Host)
	s := &stream{config: &h.config, binding: l.binding, segments: l.segments, info: info, w: w, r: r}
	s.finish(h.server.Call(r.Context(), l.binding.spec.Procedure, info, s))
}
