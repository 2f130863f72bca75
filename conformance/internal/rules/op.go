package rules

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// messageRules are about single messages of type Operation.
func messageRules() []*Rule {
	return slices.Concat(fieldRules(), resultRules(), anyRules(), encodingRules())
}

// Where the documentation of an Operation stands.
const (
	ofOperation   = "CopyFromDesktop, operation.Operation"
	guideRequired = "; API design guide, Operation: required in every view"
)

func anyAnswer(*Seen) bool { return true }

// fieldRules are about the fields that every Operation has.
func fieldRules() []*Rule {
	return []*Rule{
		{
			ID: "OP-01", Title: "An operation has an id", Core: true, Level: Guide,
			Quote:    "ID of the operation.",
			Source:   ofOperation + ".id" + guideRequired,
			Sees:     content,
			Exercise: "any call that answers with an operation",
			Guard:    "nothing that starts or reads an operation may leave its id out: there is no request that only validates",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				if s.Answer.GetId() == "" {
					return true, "the operation has no id, so that nobody can ever ask for it again"
				}
				return true, ""
			}),
			Corrupt: edit(anyAnswer, func(m *operation.Operation) { m.Id = "" }),
		},
		{
			ID: "OP-02", Title: "A read answers with the operation that was asked for", Core: true, Level: Proto,
			Quote:    "Returns the specified Operation resource.",
			Source:   "operation_service.proto, OperationService.Get",
			Sees:     content,
			Exercise: "read or cancel an operation by its id",
			Guard:    "the ids are compared byte by byte, and only where the request names one",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				asked, ok := askedFor(s)
				if !ok {
					return false, ""
				}
				if got := s.Answer.GetId(); got != asked {
					return true, fmt.Sprintf("the request names operation %q and the answer is operation %q; whatever it says is about something else", short(asked), short(got))
				}
				return true, ""
			}),
			Corrupt: edit(func(s *Seen) bool { _, ok := askedFor(s); return ok }, func(m *operation.Operation) { m.Id += "x" }),
		},
		{
			ID: "OP-03", Title: "A description has at most 256 characters", Core: true, Level: Seed,
			Quote:    "Description of the operation. 0-256 characters long.",
			Source:   ofOperation + ".description",
			Sees:     content,
			Exercise: "any call that answers with an operation; create with the longest name, from which a description may be built",
			Guard:    "characters are counted, not bytes; none at all is allowed",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				const most = 256
				if n := utf8.RuneCountInString(s.Answer.GetDescription()); n > most {
					return true, fmt.Sprintf("the description has %d characters in %d bytes, want at most %d characters", n, len(s.Answer.GetDescription()), most)
				}
				return true, ""
			}),
			Corrupt: edit(anyAnswer, func(m *operation.Operation) {
				for utf8.RuneCountInString(m.Description) <= 256 {
					m.Description += "é"
				}
			}),
		},
		{
			ID: "OP-04", Title: "An operation says when it was created", Core: true, Level: Guide,
			Quote:    "Creation timestamp.",
			Source:   ofOperation + ".created_at" + guideRequired,
			Sees:     content,
			Exercise: "any call that answers with an operation",
			Guard:    "any moment that a Timestamp can mean is allowed, in whatever precision",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				return true, stampFault("created_at", s.Answer.GetCreatedAt())
			}),
			Corrupt: either(
				edit(anyAnswer, func(m *operation.Operation) { m.CreatedAt = nil }),
				edit(anyAnswer, func(m *operation.Operation) { m.CreatedAt.Nanos = -1 }),
				edit(anyAnswer, func(m *operation.Operation) { m.CreatedAt.Seconds *= 1000 }),
			),
		},
		{
			ID: "OP-05", Title: "An operation says when it was last modified", Core: true, Level: Guide,
			Quote:    "The time when the Operation resource was last modified.",
			Source:   ofOperation + ".modified_at" + guideRequired,
			Sees:     content,
			Exercise: "any call that answers with an operation",
			Guard:    "any moment that a Timestamp can mean is allowed, in whatever precision; a new operation may show its creation",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				return true, stampFault("modified_at", s.Answer.GetModifiedAt())
			}),
			Corrupt: either(
				edit(anyAnswer, func(m *operation.Operation) { m.ModifiedAt = nil }),
				edit(anyAnswer, func(m *operation.Operation) { m.ModifiedAt.Nanos = 1_000_000_000 }),
				edit(anyAnswer, func(m *operation.Operation) { m.ModifiedAt.Seconds *= 1000 }),
			),
		},
		{
			ID: "OP-06", Title: "An operation is not modified before it is created", Core: true, Level: Implied,
			Quote:    "The time when the Operation resource was last modified.",
			Source:   ofOperation + ".created_at and .modified_at",
			Sees:     content,
			Exercise: "any call that answers with an operation",
			Guard:    "both stamps are the server's; those of two of its hosts may be a second apart, which is a warning",
			New: weigh(func(_ *Env, s *Seen, sink *Sink) {
				created, modified := s.Answer.GetCreatedAt(), s.Answer.GetModifiedAt()
				if !created.IsValid() || !modified.IsValid() {
					return
				}
				sink.Exercise(cell(s))
				const skew = time.Second
				early := created.AsTime().Sub(modified.AsTime())
				switch {
				case early > skew:
					sink.Breach(by(s), "%s: modified_at is %s and created_at is %s, %s later; nothing can have been modified before it was there", s.When(), stampText(modified), stampText(created), early)
				case early > 0:
					sink.Warn(by(s), "%s: modified_at is %s and created_at is %s, %s later; two hosts whose clocks differ may have set them", s.When(), stampText(modified), stampText(created), early)
				}
			}),
			Corrupt: edit(bothStamps, func(m *operation.Operation) {
				m.ModifiedAt = &timestamppb.Timestamp{Seconds: m.CreatedAt.GetSeconds() - 60, Nanos: m.CreatedAt.GetNanos()}
			}),
		},
		{
			ID: "OP-07", Title: "An operation names its creator", Core: true, Level: Guide,
			Quote:    "ID of the user or service account who initiated the operation.",
			Source:   ofOperation + ".created_by" + guideRequired,
			Sees:     content,
			Exercise: "any call that answers with an operation",
			Guard:    "who it names is compared only with a caller that the run was told of, and only of operations that this caller was seen to start: agents of a service may act for a user",
			New: look(func(env *Env, s *Seen) (bool, string) {
				switch by := s.Answer.GetCreatedBy(); {
				case by == "":
					return true, "created_by is empty, so that the operation has no creator"
				case env.Subject != "" && s.Op.Start != nil && by != env.Subject:
					return true, fmt.Sprintf("created_by is %q, but %s, which started the operation, was called by %q", short(by), s.Op.Start.When(), short(env.Subject))
				}
				return true, ""
			}),
			Corrupt: edit(anyAnswer, func(m *operation.Operation) { m.CreatedBy = "" }),
		},
	}
}

// resultRules are about done and the result.
func resultRules() []*Rule {
	return []*Rule{
		{
			ID: "OP-08", Title: "A done operation has a result", Core: true, Level: Seed,
			Quote:    "If `done == true`, exactly one of `error` or `response` is set.",
			Source:   ofOperation,
			Sees:     content,
			Exercise: "read an operation after it is done",
			Guard:    "no clause lets a done operation be without both",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				if !s.Answer.GetDone() {
					return false, ""
				}
				if s.Answer.Outcome() == "neither" {
					return true, "the operation is done and has neither error nor response, so that nobody can know how it ended"
				}
				return true, ""
			}),
			Corrupt: edit(isDone, func(m *operation.Operation) { m.Result = nil }),
		},
		{
			ID: "OP-09", Title: "An operation in progress has no response", Core: true, Level: Seed,
			Quote:    "If `done == false` and there was no failure detected, neither `error` nor `response` is set.",
			Source:   ofOperation,
			Sees:     content,
			Exercise: "read an operation before it is done",
			Guard:    "no clause lets an operation that is not done have a response; an error is allowed",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				if s.Answer.GetDone() {
					return false, ""
				}
				if s.Answer.Outcome() == "response" {
					return true, "the operation is not done and has a response already; whoever looks at the response first takes for finished what is not"
				}
				return true, ""
			}),
			Corrupt: edit(succeeded, func(m *operation.Operation) { m.Done = false }),
		},
		{
			ID: "OP-10", Title: "An error has a code of google.rpc.Code", Core: true, Level: Seed,
			Quote:    "The error result of the operation in case of failure or cancellation.",
			Source:   ofOperation + ".error; API design guide, Errors: codes are those of google.rpc.Code",
			Sees:     content,
			Exercise: "read an operation that fails or is cancelled",
			Guard:    "all sixteen codes are allowed; those of HTTP and those that google.rpc.Code has not are none",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				if s.Answer.GetError() == nil {
					return false, ""
				}
				switch c := s.Answer.GetError().GetCode(); {
				case c == int32(code.Code_OK):
					return true, "error is set with code 0, which is OK: libraries make a success of it, and there is no response"
				case code.Code_name[c] == "":
					return true, fmt.Sprintf("error has code %d, want one of google.rpc.Code from 1 to 16", c)
				}
				return true, ""
			}),
			Corrupt: either(
				edit(hasError, func(m *operation.Operation) { m.GetError().Code = 0 }),
				edit(hasError, func(m *operation.Operation) { m.GetError().Code = 404 }),
				edit(hasError, func(m *operation.Operation) { m.GetError().Code = 99 }),
			),
		},
		{
			ID: "OP-11", Title: "An error has a message", Level: Practice,
			Quote:    "Error description.",
			Source:   "API design guide, Errors, message",
			Sees:     content,
			Exercise: "read an operation that fails or is cancelled",
			Guard:    "a warning: an error without a message can still be acted on",
			New: look(func(_ *Env, s *Seen) (bool, string) {
				if s.Answer.GetError() == nil {
					return false, ""
				}
				if s.Answer.GetError().GetMessage() == "" {
					return true, fmt.Sprintf("error has code %s and no message, so that nobody can tell a user what went wrong", code.Code(s.Answer.GetError().GetCode()))
				}
				return true, ""
			}),
			Corrupt: edit(hasError, func(m *operation.Operation) { m.GetError().Message = "" }),
		},
	}
}
