package rules

import (
	"math/rand/v2"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"

	"github.com/optest-dev/optest/trace"
)

// cancelRules are about Cancel.
func cancelRules() []*Rule {
	const (
		current = "In response, the server returns the `Operation` object with the current status of the operation being canceled."
		guide   = "API design guide, Operation"
		doc     = "CopyFromDesktop, operation.Operation"
	)
	return []*Rule{
		{
			ID: "CXL-01", Title: "Cancel answers with the operation", Core: true, Level: Guide,
			Quote: current, Source: guide,
			Sees:     content,
			Exercise: "cancel an operation",
			Guard:    "only calls that end with OK; an answer that can't be decoded is judged by its bytes",
			New:      judgeCancelAnswer,
			Corrupt: edit(func(s *Seen) bool {
				_, named := askedFor(s)
				return cancels(s) && named
			}, func(m *operation.Operation) { m.Id += "x" }),
		},
		{
			ID: "CXL-02", Title: "Cancel leaves a done operation alone", Core: true, Level: Implied,
			Quote: "If `true`, the operation is completed", Source: doc + ".done",
			Sees:     content,
			Exercise: "cancel an operation after it was seen to be done, and read it",
			Guard:    "the answer may be OK or FAILED_PRECONDITION, or fail for a reason that has to do with the caller, the load or the way; calls that overlap prove nothing, and where reads may be stale one that is still in progress proves nothing before the window is over",
			Reduce:   Prefix,
			New:      judgeCancelOfDone,
			Corrupt:  corruptCancelOfDone,
		},
		{
			ID: "CXL-03", Title: "An operation that Cancel has ended has an error", Core: true, Level: Seed,
			Quote: "The error result of the operation in case of failure or cancellation.", Source: doc + ".error",
			Sees:     content,
			Exercise: "cancel an operation in progress, and read it until it is done",
			Guard:    "success after a Cancel is legal, as cancelling is best effort: with the response that the method promises; an operation that was done before is another rule's",
			New:      judgeCancelledResult,
			Corrupt:  afterCancel(isDone, func(m *operation.Operation) { m.Result = nil }),
		},
		{
			ID: "CXL-04", Title: "A cancelled operation ends with CANCELLED", Level: Practice,
			Quote: "The error result of the operation in case of failure or cancellation.", Source: doc + ".error",
			Sees:     content,
			Exercise: "cancel a copy of a desktop whose copy would succeed, and read it until it is done",
			Guard:    "no document of the vendor gives the code: a warning; one that has failed by itself keeps its own",
			Reduce:   Prefix,
			New:      judgeCancelledCode,
			Corrupt:  corruptCancelledCode,
		},
		{
			ID: "CXL-05", Title: "A second Cancel changes nothing", Core: true, Level: Implied,
			Quote: current, Source: guide,
			Sees:     content,
			Exercise: "cancel an operation twice",
			Guard:    "the second may be OK or FAILED_PRECONDITION, or fail for a reason that has to do with the caller, the load or the way; requests with other verbs than the bound one are no second Cancel",
			Reduce:   Prefix,
			New:      judgeSecondCancel,
			Corrupt:  corruptSecondCancel,
		},
		{
			ID: "CXL-06", Title: "Cancel needs an operation that exists", Core: true, Level: Proto,
			Quote: "string operation_id = 1 [(required) = true", Source: "operation_service.proto, CancelOperationRequest",
			Sees:     content,
			Exercise: "cancel without an id, and with one that nobody was given",
			Guard:    "whoever may not see an operation may be told so first; an id that is in use though its start was not seen here proves nothing",
			New:      judgeUnknown(MethodCancel),
			Corrupt:  corruptCancelUnknown,
		},
		{
			ID: "CXL-07", Title: "A cancelled operation leaves no image", Core: true, Level: Guide, World: true,
			Quote:    "deletes the resources created during the operation. Only when the service returns to the previous state will the operation be considered completed",
			Source:   guide,
			Sees:     content,
			Exercise: "cancel an operation, and read its image after it was done with an error",
			Guard:    "only after done, and after the window where reads may be stale",
			Reduce:   Prefix,
			New:      judgeLeftovers(func(end *Seen) bool { return end.Op.CancelBefore(end) != nil }),
			Corrupt:  corruptCancelledLeftover,
		},
		{
			ID: "CXL-08", Title: "A cancelled operation ends", Level: Practice,
			Quote: "does not guarantee that the operation will be canceled", Source: guide,
			Sees:     content,
			Exercise: "cancel an operation, and poll it until it is done",
			Guard:    "patience is no proof: never more than inconclusive",
			New:      judgeEnds(sinceCancel),
			Corrupt:  corruptCancelledEnds,
		},
		{
			ID: "CXL-09", Title: "Nothing is CANCELLED that nobody has cancelled", Core: true, Level: Implied, World: true,
			Quote: "The error result of the operation in case of failure or cancellation.", Source: doc + ".error",
			Sees:     content,
			Exercise: "cancel an operation and read it until it is done",
			Guard:    "only where every call of anybody is seen, and all that were under way have returned; any Cancel is a cause, whatever its outcome",
			Reduce:   Prefix,
			New:      judgeCause,
			Corrupt:  uncaused(func(op cancelled) bool { return op.first == nil }),
		},
		{
			ID: "CXL-10", Title: "Reading by HTTP cancels nothing", Level: Proto, World: true,
			Quote: "get: \"/operations/{operation_id}:cancel\"", Source: "operation_service.proto, OperationService.Cancel",
			Sees:     content,
			Exercise: "read an operation in progress over REST, and ask at the path of Cancel with HEAD and OPTIONS",
			Guard:    "the proto binds GET and the guide POST: at the path of Cancel, either may cancel; only an operation that nobody has cancelled otherwise is judged",
			Reduce:   Prefix,
			New:      judgeHarmless,
			Corrupt:  uncaused(func(op cancelled) bool { return op.first == nil && op.harmless != nil }),
		},
	}
}

// afterCancel is the corruption of an answer about an operation that was cancelled
// before the answer's call.
func afterCancel(is func(*Seen) bool, change func(*operation.Operation)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		all := cancelledIn(t)
		return edit(func(s *Seen) bool {
			c := all[operationOf(s)]
			over := c.done != nil && c.first != nil && c.done.Returned < c.first.Called
			return c.first != nil && c.first.Called < s.Called && !turnedAway(c.first) && !over && is(s)
		}, change)(t, draw)
	}
}

// cancelled is what a tape says of the cancelling of one operation.
type cancelled struct {
	first, harmless, done *Seen
	start                 *Seen
}

func cancelledIn(t *Tape) map[string]cancelled {
	all := map[string]cancelled{}
	for i := range t.Events {
		s := t.At(i)
		id := operationOf(s)
		if id == "" && harmless(s) {
			id = pathOperation(s)
		}
		if id == "" {
			continue
		}
		c := all[id]
		switch {
		case harmless(s):
			if c.harmless == nil {
				c.harmless = s
			}
		case s.Is(MethodCancel) && c.first == nil:
			c.first = s
		}
		if s.Answer != nil && s.Starts() && c.start == nil {
			c.start = s
		}
		if s.Answer != nil && isDone(s) && c.done == nil {
			c.done = s
		}
		all[id] = c
	}
	return all
}

func corruptCancelOfDone(t *Tape, draw *rand.Rand) (string, bool) {
	all := cancelledIn(t)
	var last []int
	for _, i := range t.Where(func(s *Seen) bool { return s.Answer != nil && isDone(s) }) {
		s := t.At(i)
		c := all[operationOf(s)]
		if c.done == nil || c.done == s || c.done.Returned >= s.Called {
			continue
		}
		cancelOfDone := slices.ContainsFunc(t.Where(func(o *Seen) bool { return o.Is(MethodCancel) && !harmless(o) && operationOf(o) == operationOf(s) }), func(j int) bool {
			o := t.At(j)
			return c.done.Returned < o.Called && (o == s || o.Returned < s.Called)
		})
		if cancelOfDone {
			last = append(last, i)
		}
	}
	if len(last) == 0 {
		return "", false
	}
	i := last[draw.IntN(len(last))]
	return t.At(i).When(), t.Edit(i, func(m *operation.Operation) { flip(m, nil) })
}

func corruptCancelledCode(t *Tape, draw *rand.Rand) (string, bool) {
	all := cancelledIn(t)
	return afterCancel(func(s *Seen) bool {
		return isDone(s) && hasError(s) && wouldSucceed(t.Env, all[operationOf(s)].start)
	}, func(m *operation.Operation) {
		m.Result = &operation.Operation_Error{Error: coded(m.GetError(), int32(code.Code_UNKNOWN))}
	})(t, draw)
}

func corruptSecondCancel(t *Tape, draw *rand.Rand) (string, bool) {
	all := cancelledIn(t)
	i, ok := t.Pick(draw, func(s *Seen) bool {
		c := all[operationOf(s)]
		return s.Is(MethodCancel) && !harmless(s) && c.first != nil && c.first != s && c.first.OK() && c.first.Returned < s.Called
	})
	if !ok {
		return "", false
	}
	t.Fail(i, trace.Failure{Code: code.Code_INTERNAL, Message: "corrupted"})
	return t.At(i).When(), true
}

func corruptCancelUnknown(t *Tape, draw *rand.Rand) (string, bool) {
	i, ok := t.Pick(draw, func(s *Seen) bool {
		_, named := askedFor(s)
		return s.Is(MethodCancel) && !harmless(s) && s.Request != nil && !named && s.Failed()
	})
	if !ok {
		return "", false
	}
	t.Fail(i, trace.Failure{Code: code.Code_INTERNAL, Message: "corrupted"})
	return t.At(i).When(), true
}

var corruptCancelledLeftover = imageReads(func(t *Tape, s *Seen, op *taped, _ bool) bool {
	return failedBefore(t, s, op) && s.Failed() && s.Code() == code.Code_NOT_FOUND && cancelledIn(t)[operationOf(op.done)].first != nil &&
		cancelledIn(t)[operationOf(op.done)].first.Called < op.done.Returned && !turnedAway(cancelledIn(t)[operationOf(op.done)].first)
}, func(t *Tape, i int) bool {
	return t.accept(i, &clouddesktop.DesktopImage{Id: imageOf(t.At(i).Request), FolderId: t.Env.Folder, Status: clouddesktop.DesktopImage_ACTIVE})
})

func corruptCancelledEnds(t *Tape, draw *rand.Rand) (string, bool) {
	all := cancelledIn(t)
	return corruptEnds(func(s *Seen) bool { return all[operationOf(s)].first != nil })(t, draw)
}

// uncaused has an operation of those that count end with CANCELLED.
func uncaused(counts func(cancelled) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		all := cancelledIn(t)
		return edit(func(s *Seen) bool {
			c := all[operationOf(s)]
			return s.Is(MethodGet) && isDone(s) && s.Answer.GetId() == operationOf(s) && counts(c) && (c.harmless == nil || c.harmless.Called < s.Called)
		}, func(m *operation.Operation) {
			m.Result = &operation.Operation_Error{Error: &status.Status{Code: int32(code.Code_CANCELLED), Message: "corrupted"}}
		})(t, draw)
	}
}

// corruptIndependent has an operation that nobody has cancelled end with
// CANCELLED after another one was cancelled.
func corruptIndependent(t *Tape, draw *rand.Rand) (string, bool) {
	all := cancelledIn(t)
	var first *Seen
	for _, c := range all {
		if c.first != nil && c.first.OK() && (first == nil || c.first.Returned < first.Returned) {
			first = c.first
		}
	}
	if first == nil {
		return "", false
	}
	return edit(func(s *Seen) bool {
		return s.Is(MethodGet) && isDone(s) && s.Answer.GetId() == operationOf(s) && all[operationOf(s)].first == nil && first.Returned < s.Called
	}, func(m *operation.Operation) {
		m.Result = &operation.Operation_Error{Error: &status.Status{Code: int32(code.Code_CANCELLED), Message: "corrupted"}}
	})(t, draw)
}
