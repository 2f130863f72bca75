package rules

import (
	"google.golang.org/genproto/googleapis/rpc/code"
)

// judgeAuth looks for calls that were served although nobody knows who has made
// them, and for operations of others that can be read or cancelled.
func judgeAuth(env *Env) Machine {
	// A token that the observer could have seen: where it sees none, the lack of one
	// says nothing.
	var token *Seen
	var anonymous []*Seen
	judge := func(s *Seen, sink *Sink) {
		sink.Exercise("anonymous/" + s.Event.Method)
		sink.Breach(evidence(token, s), "%s: the call had no token, other than %s, and ended with OK; the server knows its callers, so that one it can't know is UNAUTHENTICATED", s.When(), token.When())
	}
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !env.Auth || !guarded(s) {
			return
		}
		if id := operationOf(s); env.Foreign != "" && id == env.Foreign && !s.Starts() {
			judgeForeign(s, sink)
		}
		_, has := s.RequestHeader.Get("authorization")
		switch {
		case has && s.Reader() == stranger:
			judgeStranger(s, sink)
		case has && token == nil:
			token = s
			for _, a := range anonymous {
				judge(a, sink)
			}
			anonymous = nil
		case has:
		case s.Failed() && s.Code() == code.Code_UNAUTHENTICATED:
			sink.Exercise("anonymous/" + s.Event.Method)
		case s.Response == nil: // such as the answer to a preflight
		case token != nil:
			judge(s, sink)
		case len(anonymous) < maxFindings:
			anonymous = append(anonymous, s)
		}
	}}
}

// stranger is the reader whose token is a wrong one. Traces do not show tokens.
const stranger = "stranger"

func judgeStranger(s *Seen, sink *Sink) {
	switch {
	case s.Failed() && s.Code() == code.Code_UNAUTHENTICATED:
		sink.Exercise("wrong token/" + s.Event.Method)
	case s.Response != nil:
		sink.Exercise("wrong token/" + s.Event.Method)
		sink.Breach(by(s), "%s: the call had a token that the server has never given to anybody, and ended with OK; a caller that can't be known is UNAUTHENTICATED", s.When())
	}
}

func judgeForeign(s *Seen, sink *Sink) {
	switch {
	case s.OK():
		sink.Exercise("foreign/" + s.Event.Method)
		sink.Breach(by(s), "%s: the operation is somebody else's, and the call ended with OK; what a caller may not see is PERMISSION_DENIED, or NOT_FOUND", s.When())
	case s.Failed() && (s.Code() == code.Code_PERMISSION_DENIED || s.Code() == code.Code_NOT_FOUND):
		sink.Exercise("foreign/" + s.Event.Method)
	}
}

// guarded reports whether the call is of a method that serves known callers only.
func guarded(s *Seen) bool {
	switch s.Event.Method {
	case MethodCreate, MethodCopy, MethodUpdate, MethodDelete, MethodGetImage, MethodListImage, MethodGet, MethodCancel:
		return true
	}
	return false
}
