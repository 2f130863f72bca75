package rules

import (
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// refused reports whether the call was refused for what the request says.
func refused(s *Seen) bool { return s.Failed() && s.Code() == code.Code_INVALID_ARGUMENT }

// speaks reports whether the outcome is about the request at all: not about the
// caller, who may be turned away first, the load, or the way to the server.
func speaks(s *Seen) bool {
	if s.Unsure() || s.ResponseCodec == optestv1.Event_FOREIGN {
		return false
	}
	switch s.Code() {
	case code.Code_CANCELLED, code.Code_UNKNOWN, code.Code_DEADLINE_EXCEEDED, code.Code_PERMISSION_DENIED, code.Code_UNAUTHENTICATED,
		code.Code_RESOURCE_EXHAUSTED, code.Code_ABORTED, code.Code_UNIMPLEMENTED, code.Code_UNAVAILABLE:
		return false
	}
	return true
}

// speaksOfRequest reports whether the outcome of a call that starts something is
// about its request, and not about one before it with the same key.
func (e *Env) speaksOfRequest(s *Seen) bool { return speaks(s) && (refused(s) || e.afresh(s)) }

// turnedAway reports whether a call has failed for sure without effect. Of other
// errors, such as UNAVAILABLE, nobody knows.
func turnedAway(s *Seen) bool {
	if !s.Failed() || s.ResponseCodec == optestv1.Event_FOREIGN {
		return false
	}
	switch s.Code() {
	case code.Code_INVALID_ARGUMENT, code.Code_NOT_FOUND, code.Code_ALREADY_EXISTS, code.Code_PERMISSION_DENIED, code.Code_UNAUTHENTICATED,
		code.Code_FAILED_PRECONDITION, code.Code_OUT_OF_RANGE, code.Code_UNIMPLEMENTED:
		return true
	}
	return unreadable(s)
}

// unreadable reports whether a request was seen and is no message: what it asks for, no
// server can have begun to do. Over REST, a path that is not known may be known to
// the server.
func unreadable(s *Seen) bool {
	if s.RequestErr == nil || s.Protocol == optestv1.Event_REST || s.Event.Request == nil || s.Event.Request.Cut() {
		return false
	}
	return s.RequestFidelity == optestv1.Event_FIDELITY_UNSPECIFIED
}

// ending is how a call ended, in words.
func ending(s *Seen) string {
	switch {
	case s.OK():
		return "OK"
	case s.Failed():
		return s.Code().String()
	}
	return "an unknown outcome"
}

// violated are the paths of the fields that a refusal names; detailed is false
// where it has no BadRequest.
func violated(s *Seen) (paths []string, detailed bool) {
	if s.Failure == nil || len(s.Failure.Details) == 0 {
		return nil, false
	}
	st := &status.Status{}
	if proto.Unmarshal(s.Failure.Details, st) != nil {
		return nil, false
	}
	for _, d := range st.GetDetails() {
		bad := &errdetails.BadRequest{}
		if !d.MessageIs(bad) || d.UnmarshalTo(bad) != nil {
			continue
		}
		detailed = true
		for _, v := range bad.GetFieldViolations() {
			paths = append(paths, v.GetField())
		}
	}
	return paths, detailed
}

// namesField reports whether one of the paths is to the field.
func namesField(paths []string, f protoreflect.FieldDescriptor) bool {
	for _, path := range paths {
		if fieldAt(f.ContainingMessage(), path) == f {
			return true
		}
	}
	return false
}

// fieldAt is the field that a path is to: `folder_id`, `folderId`, `labels[x]`,
// `labels.x` or one with something like `request.` before it. Nil for none.
func fieldAt(desc protoreflect.MessageDescriptor, path string) protoreflect.FieldDescriptor {
	path, _, _ = strings.Cut(path, "[")
	steps := strings.Split(path, ".")
	for _, step := range []string{steps[0], steps[len(steps)-1]} {
		for i := range desc.Fields().Len() {
			if f := desc.Fields().Get(i); plainName(string(f.Name())) == plainName(step) {
				return f
			}
		}
	}
	return nil
}

func plainName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
