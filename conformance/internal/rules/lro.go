package rules

import (
	"math/rand/v2"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/optest-dev/optest/trace"
)

// lifeRules are about the answers that one operation gives over time.
func lifeRules() []*Rule {
	const doc, guide = "CopyFromDesktop, operation.Operation", "API design guide, Operation"
	return []*Rule{
		{
			ID: "LRO-01", Title: "A done operation stays done", Core: true, Level: Implied,
			Quote:    "If `true`, the operation is completed",
			Source:   doc + ".done",
			Sees:     content,
			Exercise: "read an operation again after it was seen to be done",
			Guard:    "only reads of which one had returned before the other was called are compared; where reads may be stale for a while, reads over one connection, or whatever comes after that while",
			New:      judgeStaysDone,
			Corrupt: editLater(
				func(a, b *Seen) bool { return isDone(a) && isDone(b) },
				func(b, _ *operation.Operation) { b.Done, b.Result = false, nil },
			),
		},
		{
			ID: "LRO-02", Title: "The kind of outcome never changes", Core: true, Level: Implied,
			Quote:    "If `true`, the operation is completed, and either `error` or `response` is available.",
			Source:   doc + ".done",
			Sees:     content,
			Exercise: "read an operation twice after it is done",
			Guard:    "both answers say done, so their order does not matter; an answer without any outcome is another rule's",
			New:      judgeOutcome,
			Corrupt:  editLater(func(a, b *Seen) bool { return isDone(a) && isDone(b) }, flip),
		},
		{
			ID: "LRO-03", Title: "The error of a done operation never changes", Core: true, Level: Implied,
			Quote:    "If `true`, the operation is completed, and either `error` or `response` is available.",
			Source:   doc + ".done",
			Sees:     content,
			Exercise: "read an operation twice after it is done with an error",
			Guard:    "the code alone is an error; messages may be translated for whoever reads, so other differences are warnings",
			New:      judgeErrorKept,
			Corrupt: editLater(
				func(a, b *Seen) bool { return isDone(a) && hasError(a) && isDone(b) && hasError(b) },
				func(b, a *operation.Operation) {
					b.Result = &operation.Operation_Error{Error: coded(a.GetError(), a.GetError().GetCode()%16+1)}
				},
			),
		},
		{
			ID: "LRO-04", Title: "The response of a done operation stays about the same image", Core: true, Level: Implied,
			Quote:    "the response should be the target resource of the operation",
			Source:   doc + ".response",
			Sees:     content,
			Exercise: "read an operation twice after it is done with a response",
			Guard:    "a server may render the resource as it is now, so only what never changes in an image is compared: type, id, time of creation and sizes",
			New:      judgeResponseKept,
			Corrupt: editLater(
				func(a, b *Seen) bool {
					return a.Answer.Image != nil && b.Answer.Image != nil && isDone(a) && isDone(b)
				},
				otherImage,
			),
		},
		{
			ID: "LRO-05", Title: "What describes the creation never changes", Core: true, Level: Implied,
			Quote:    "Creation timestamp.",
			Source:   doc + ".created_at, created_by",
			Sees:     content,
			Exercise: "read an operation twice",
			Guard:    "stamps are compared at the coarser precision of the two, as a store may keep fewer digits than the first answer had",
			New:      judgeCreationKept,
			Corrupt: editLater(
				func(_, b *Seen) bool { return bothStamps(b) },
				func(b, _ *operation.Operation) { b.CreatedBy += "-else" },
			),
		},
		{
			ID: "LRO-06", Title: "The description stays", Level: Practice,
			Quote:    "Description of the operation. 0-256 characters long.",
			Source:   doc + ".description",
			Sees:     content,
			Exercise: "read an operation twice",
			Guard:    "some services tell progress in it: a warning",
			New:      judgeDescriptionKept,
			Corrupt:  editLater(func(_, _ *Seen) bool { return true }, func(b, _ *operation.Operation) { b.Description += " (90 %)" }),
		},
		{
			ID: "LRO-07", Title: "The stamp of modification never goes back", Core: true, Level: Seed,
			Quote:    "The time when the Operation resource was last modified.",
			Source:   doc + ".modified_at",
			Sees:     content,
			Exercise: "read an operation twice",
			Guard:    "as for a done operation that stays done; up to a second back, as after a clock was set, is a warning",
			New:      judgeStampRises,
			Corrupt: editLater(
				func(a, b *Seen) bool { return bothStamps(a) && bothStamps(b) },
				func(b, a *operation.Operation) { b.ModifiedAt = moved(a.GetModifiedAt(), -3600) },
			),
		},
		{
			ID: "LRO-08", Title: "A visible change moves the stamp of modification", Core: true, Level: Seed,
			Quote:    "The time when the Operation resource was last modified.",
			Source:   doc + ".modified_at",
			Sees:     content,
			Exercise: "read an operation at least twice before something about it changes, and once after",
			Guard:    "the state before was seen for longer than the precision that the server's stamps show, so that the change can't be within the same tick",
			New:      judgeStampMoves,
			Corrupt:  corruptStampMoves,
		},
		{
			ID: "LRO-09", Title: "Reading does not move the stamp of modification", Core: true, Level: Implied,
			Quote:    "The time when the Operation resource was last modified.",
			Source:   doc + ".modified_at",
			Sees:     content,
			Exercise: "read an operation twice while nothing changes",
			Guard:    "something hidden may have changed: a warning, and an error only where the stamps follow the times of five reads or more",
			New:      judgeStampRests,
			Corrupt: editLater(
				func(a, b *Seen) bool {
					return bothStamps(a) && bothStamps(b) && alikeButStamp(a.Answer.Operation, b.Answer.Operation)
				},
				func(b, a *operation.Operation) { b.ModifiedAt = moved(a.GetModifiedAt(), 7) },
			),
		},
		{
			ID: "LRO-10", Title: "A detected failure stays shown", Core: true, Level: Guide,
			Quote:    "If `done == false` and there was a failure detected, `error` is set.",
			Source:   doc + ".error",
			Sees:     content,
			Exercise: "read an operation twice between the detection of its failure and its end",
			Guard:    "a failure that was detected stays detected while the service returns to the state before; order as for a done operation",
			New:      judgeFailureStays,
			Corrupt: editLater(
				func(a, b *Seen) bool { return a.Answer.Rank() == Failing && b.Answer.Rank() == Failing },
				func(b, _ *operation.Operation) { b.Result = nil },
			),
		},
		{
			ID: "LRO-11", Title: "A detected failure is how the operation ends", Core: true, Level: Guide,
			Quote:    "Only when the service returns to the previous state will the operation be considered completed",
			Source:   guide,
			Sees:     content,
			Exercise: "read an operation between the detection of its failure and its end, and after its end",
			Guard:    "one answer is before the end and the other is the end, whatever their order",
			New:      judgeFailureEnds,
			Corrupt: editLater(
				func(a, b *Seen) bool { return a.Answer.Rank() == Failing && isDone(b) },
				func(b, a *operation.Operation) {
					b.Result = &operation.Operation_Error{Error: coded(a.GetError(), a.GetError().GetCode()%16+1)}
				},
			),
		},
		{
			ID: "LRO-12", Title: "The metadata keeps naming the same image", Core: true, Level: Seed,
			Quote:    "ID of the new image.",
			Source:   "CopyFromDesktop, CopyFromDesktopMetadata.image_id",
			Sees:     content,
			Exercise: "read an operation whose metadata names an image twice",
			Guard:    "only the id counts: other metadata may tell progress; metadata of another type or that can't be decoded is another rule's",
			New:      judgeTargetStays,
			Corrupt: editLater(
				func(a, b *Seen) bool { return a.Answer.ImageID() != "" && b.Answer.ImageID() != "" },
				func(b, _ *operation.Operation) { setImageID(b, "fdv-of-another-image") },
			),
		},
		{
			ID: "LRO-13", Title: "An operation ends", Level: Practice,
			Quote:    "If the value is `false`, it means the operation is still in progress.",
			Source:   doc + ".done",
			Sees:     content,
			Exercise: "poll an operation until it is done",
			Guard:    "patience is no proof: never more than inconclusive",
			New:      judgeEnds(func(*Op) bool { return true }),
			Corrupt:  corruptEnds(func(*Seen) bool { return true }),
		},
		{
			ID: "LRO-14", Title: "A new operation can be read", Core: true, Level: Proto,
			Quote:    "Returns the specified Operation resource.",
			Source:   "operation_service.proto, OperationService.Get",
			Sees:     content,
			Exercise: "read an operation right after it was created",
			Guard:    "where reads may be stale, three reads or the window may miss it, as the vendor's own client expects",
			Reduce:   Prefix,
			New:      judgeReadable,
			Corrupt: loseRead(func(t *Tape, s *Seen, start, done *Seen) bool {
				return start != nil && start.Returned < s.Called && (done == nil || done.Returned >= s.Called)
			}),
		},
		{
			ID: "LRO-15", Title: "A done operation can still be read", Level: Practice,
			Quote:    "Returns the specified Operation resource.",
			Source:   "operation_service.proto, OperationService.Get",
			Sees:     content,
			Exercise: "read an operation after it was seen to be done",
			Guard:    "nobody says how long: a warning; where reads may be stale, those after the window count, and those over one connection",
			New:      judgeStillReadable,
			Corrupt: loseRead(func(_ *Tape, s *Seen, _, done *Seen) bool {
				return done != nil && done.Returned < s.Called
			}),
		},
		{
			ID: "LRO-16", Title: "No read is behind the answer of the creating call", Core: true, Level: Implied,
			Quote:    "Returns the specified Operation resource.",
			Source:   "operation_service.proto, OperationService.Get",
			Sees:     content,
			Exercise: "read an operation after the call that created it",
			Guard:    "the creating call is the first read; a call with a key that was used before is a read at its own time",
			New:      judgeNotBehindStart,
			Corrupt:  corruptBehindStart,
		},
		{
			ID: "LRO-17", Title: "Readers at once see one history", Core: true, Level: Practice, Strong: true,
			Quote:    "Returns the specified Operation resource.",
			Source:   "operation_service.proto, OperationService.Get",
			Sees:     content,
			Exercise: "read an operation over two connections, one after the other",
			Guard:    "only where reads are promised never to be stale, and only reads of which one had returned before the other was called",
			New:      judgeOneHistory,
			Corrupt: editLater(
				func(a, b *Seen) bool { return isDone(a) && isDone(b) && a.Connection() != b.Connection() },
				func(b, _ *operation.Operation) { b.Done, b.Result = false, nil },
			),
		},
		{
			ID: "LRO-18", Title: "One connection never goes back", Level: Practice,
			Quote:    "Returns the specified Operation resource.",
			Source:   "operation_service.proto, OperationService.Get",
			Sees:     content,
			Exercise: "read an operation twice over one connection",
			Guard:    "a balancer may spread one connection over replicas: a warning; what creates or cancels may be answered by another replica than reads, and does not bind them",
			New:      judgeOneConnection,
			Corrupt: editLater(
				func(a, b *Seen) bool {
					return isDone(a) && isDone(b) && a.Connection() == b.Connection() && a.Is(MethodGet) && b.Is(MethodGet)
				},
				func(b, _ *operation.Operation) { b.Done, b.Result = false, nil },
			),
		},
		{
			ID: "LRO-19", Title: "Operations do not touch each other", Level: Implied, World: true,
			Quote:    "the current status of the operation being canceled",
			Source:   "operation_service.proto, OperationService.Cancel",
			Sees:     content,
			Exercise: "read an operation before and after another one is cancelled",
			Guard:    "an operation may progress by itself; only what nothing but a Cancel of itself could have caused is a breach",
			Reduce:   Prefix,
			New:      judgeIndependent,
			Corrupt:  corruptIndependent,
		},
	}
}

// loseRead is the corruption of a Get that found its operation into one that did
// not.
func loseRead(is func(t *Tape, s, start, done *Seen) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		starts, dones := map[string]*Seen{}, map[string]*Seen{}
		var places []int
		for i := range t.Events {
			s := t.At(i)
			id := operationOf(s)
			if s.Answer == nil || id == "" {
				continue
			}
			if s.Is(MethodGet) && is(t, s, starts[id], dones[id]) {
				places = append(places, i)
			}
			if s.Starts() && starts[id] == nil {
				starts[id] = s
			}
			if isDone(s) && dones[id] == nil {
				dones[id] = s
			}
		}
		if len(places) == 0 {
			return "", false
		}
		i := places[draw.IntN(len(places))]
		t.Fail(i, trace.Failure{Code: code.Code_NOT_FOUND, Message: "Operation not found"})
		return t.At(i).When(), true
	}
}
