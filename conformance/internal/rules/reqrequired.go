package rules

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// judgeRequired looks for requests that were not refused although a required
// field is empty.
func judgeRequired(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !s.Starts() || s.Request == nil || !env.speaksOfRequest(s) {
			return
		}
		for _, e := range excesses(s.Request) {
			if e.what != "required" {
				continue
			}
			if refused(s) {
				if onlyExcess(s, e.field) {
					sink.Exercise(string(e.field.Name()) + "/" + s.Protocol.String())
				}
				continue
			}
			sink.Exercise(string(e.field.Name()) + "/" + s.Protocol.String())
			sink.Breach(by(s), "%s: %s %s, and the call ended with %s; what is required can't be left out, so that only INVALID_ARGUMENT is right", s.When(), e.field.Name(), e.text, ending(s))
		}
	}}
}

// judgeOptional looks for refusals that name a field which nobody requires, for
// being left out.
func judgeOptional(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		request, ok := s.Request.(*clouddesktop.CopyFromDesktopRequest)
		if !ok || !s.Is(MethodCreate) || !speaks(s) {
			return
		}
		paths, detailed := violated(s)
		if refused(s) && !detailed {
			return
		}
		fields := request.ProtoReflect().Descriptor().Fields()
		for _, name := range []protoreflect.Name{"folder_id", "name"} {
			f := fields.ByName(name)
			if request.ProtoReflect().Has(f) {
				continue
			}
			sink.Exercise(string(name))
			if refused(s) && namesField(paths, f) {
				sink.Breach(by(s), "%s: the request leaves out %s and is refused for that, although nothing says that the field is required; a client that was written by the documentation can't know", s.When(), name)
			}
		}
	}}
}

// judgeSynchronous looks for operations that end with INVALID_ARGUMENT although
// their requests could have been refused at once.
func judgeSynchronous(*Env) Machine {
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			if s.Starts() && refused(s) && s.Request != nil && len(excesses(s.Request)) > 0 {
				sink.Exercise(excesses(s.Request)[0].what + "/" + string(excesses(s.Request)[0].field.Name()))
			}
		},
		Look: func(s *Seen, sink *Sink) {
			e, ok := refusedLate(s)
			if !ok {
				return
			}
			sink.Exercise(s.Op.ID)
			sink.Breach(by(s.Op.Start, s), "%s: %s of the request %s, and the operation that was started for it ended with INVALID_ARGUMENT; what prevents a start is the call's own status, so that nobody has to poll to learn of a typing error", s.When(), e.field.Name(), e.text)
		},
	}
}

// refusedLate reports whether the answer is of an operation that failed for what
// its request says, and what is wrong with that.
func refusedLate(s *Seen) (excess, bool) {
	if s.Op.Start == nil || s.Op.Request == nil || s.Answer.Rank() != Done || s.Answer.GetError().GetCode() != int32(code.Code_INVALID_ARGUMENT) {
		return excess{}, false
	}
	found := excesses(s.Op.Request)
	if len(found) == 0 {
		return excess{}, false
	}
	return found[0], true
}

// judgeDetails looks for refusals that do not say which field is wrong.
func judgeDetails(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !refused(s) || s.Request == nil {
			return
		}
		beyond := excesses(s.Request)
		if len(beyond) == 0 {
			return
		}
		sink.Exercise(s.Event.Method + "/" + string(beyond[0].field.Name()) + "/" + beyond[0].what)
		paths, detailed := violated(s)
		if !detailed {
			sink.Breach(by(s), "%s: %s of the request %s, and INVALID_ARGUMENT came without a BadRequest in its details, so that a program can't tell which field to mend", s.When(), beyond[0].field.Name(), beyond[0].text)
			return
		}
		for _, e := range beyond {
			if namesField(paths, e.field) {
				return
			}
		}
		sink.Breach(by(s), "%s: %s of the request %s, and the BadRequest in the details names %q instead", s.When(), beyond[0].field.Name(), beyond[0].text, firstOf(paths))
	}}
}

func firstOf(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	return short(paths[0])
}
