package rules

import (
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// Where the documentation of what operations do over time stands.
const (
	ofGuide = "API design guide, Operation"
	ofGet   = "operation_service.proto, OperationService.Get"

	quoteDone     = "If `true`, the operation is completed, and either `error` or `response` is available."
	quoteModified = "The time when the Operation resource was last modified."
	quoteGet      = "Returns the specified Operation resource."
)

// lifeRules are about the answers that one operation gives over time.
func lifeRules() []*Rule {
	return slices.Concat(keptRules(), changeRules(), readRules())
}

// keptRules are about what an operation keeps for its whole life or from its end on.
func keptRules() []*Rule {
	return []*Rule{
		{
			ID: "LRO-01", Title: "A done operation stays done", Core: true, Level: Implied,
			Quote:    "If `true`, the operation is completed",
			Source:   ofOperation + ".done",
			Sees:     content,
			Exercise: "read an operation again after it was seen to be done",
			Guard:    "only reads of which one had returned before the other was called are compared; where reads may be stale for a while, reads over one connection, or whatever comes after that while",
			New:      judgeStaysDone,
			Corrupt:  editBound(bothDone, undone),
		},
		{
			ID: "LRO-02", Title: "The kind of outcome never changes", Core: true, Level: Implied,
			Quote:    quoteDone,
			Source:   ofOperation + ".done",
			Sees:     content,
			Exercise: "read an operation twice after it is done",
			Guard:    "both answers say done, so their order does not matter; an answer without any outcome is another rule's",
			New:      judgeOutcome,
			Corrupt:  editLater(bothDone, flip),
		},
		{
			ID: "LRO-03", Title: "The error of a done operation never changes", Core: true, Level: Implied,
			Quote:    quoteDone,
			Source:   ofOperation + ".done",
			Sees:     content,
			Exercise: "read an operation twice after it is done with an error",
			Guard:    "the code alone is an error; messages and details are warnings, and not even that for readers of another language, details that are about the read, and fields that only one protocol shows",
			New:      judgeErrorKept,
			Corrupt:  editLater(func(a, b *Seen) bool { return bothDone(a, b) && hasError(a) && hasError(b) }, recode),
		},
		{
			ID: "LRO-04", Title: "The response of a done operation stays about the same image", Core: true, Level: Implied,
			Quote:    "the response should be the target resource of the operation",
			Source:   ofOperation + ".response",
			Sees:     content,
			Exercise: "read an operation twice after it is done with a response",
			Guard:    "a server may render the resource as it is now, so only what never changes in an image is compared: type, id, time of creation and sizes",
			New:      judgeResponseKept,
			Corrupt:  editLater(func(a, b *Seen) bool { return bothDone(a, b) && a.Answer.Image != nil && b.Answer.Image != nil }, otherImage),
		},
		{
			ID: "LRO-05", Title: "What describes the creation never changes", Core: true, Level: Implied,
			Quote:    "Creation timestamp.",
			Source:   ofOperation + ".created_at, created_by",
			Sees:     content,
			Exercise: "read an operation twice",
			Guard:    "stamps are compared at the coarser precision of the two, as a store may keep fewer digits than the first answer had, cut off or rounded",
			New:      judgeCreationKept,
			Corrupt: either(
				editLater(anyTwo, func(b, _ *operation.Operation) { b.CreatedBy += "-else" }),
				editLater(func(_, b *Seen) bool { return bothStamps(b) }, func(b, _ *operation.Operation) { b.CreatedAt = moved(b.GetCreatedAt(), 5) }),
			),
		},
		{
			ID: "LRO-06", Title: "The description stays", Level: Practice,
			Quote:    "Description of the operation. 0-256 characters long.",
			Source:   ofOperation + ".description",
			Sees:     content,
			Exercise: "read an operation twice",
			Guard:    "some services tell progress in it: a warning, once for an operation, and none for readers of another language",
			New:      judgeDescriptionKept,
			Corrupt:  editLater(anyTwo, func(b, _ *operation.Operation) { b.Description += " (90 %)" }),
		},
	}
}

// changeRules are about what may change, and how.
func changeRules() []*Rule {
	return []*Rule{
		{
			ID: "LRO-07", Title: "The stamp of modification never goes back", Core: true, Level: Seed,
			Quote:    quoteModified,
			Source:   ofOperation + ".modified_at",
			Sees:     content,
			Exercise: "read an operation twice",
			Guard:    "order as for a done operation that stays done; up to a second back, as after a clock was set, is a warning, and digits that a store has not kept are nothing",
			New:      judgeStampRises,
			Corrupt: editBound(func(a, b *Seen) bool { return bothStamps(a) && bothStamps(b) }, func(b, a *operation.Operation) {
				b.ModifiedAt = moved(a.GetModifiedAt(), -3600)
			}),
		},
		{
			ID: "LRO-08", Title: "A visible change moves the stamp of modification", Core: true, Level: Seed,
			Quote:    quoteModified,
			Source:   ofOperation + ".modified_at",
			Sees:     content,
			Exercise: "read an operation at least twice before something about it changes, and once after",
			Guard:    "the state before was there for longer than the unit of its stamp after that had been shown, and where reads may be stale the window longer, so that the change can't be within the same tick; the response, messages and fields that the contract does not have are no visible change",
			New:      judgeStampMoves,
			Corrupt:  corruptStampMoves,
		},
		{
			ID: "LRO-09", Title: "Reading does not move the stamp of modification", Core: true, Level: Implied,
			Quote:    quoteModified,
			Source:   ofOperation + ".modified_at",
			Sees:     content,
			Exercise: "read an operation twice while nothing changes",
			Guard:    "something hidden may have changed: a warning, and an error only where five calls got the time of the call itself, which the time since the creation tells from the time of a heartbeat; after a Cancel not even a warning",
			Reduce:   Prefix,
			New:      judgeStampRests,
			Corrupt:  corruptStampRests,
		},
		{
			ID: "LRO-10", Title: "A detected failure stays shown", Core: true, Level: Guide,
			Quote:    "If `done == false` and there was a failure detected, `error` is set.",
			Source:   ofOperation + ".error",
			Sees:     content,
			Exercise: "read an operation twice between the detection of its failure and its end",
			Guard:    "order as for a done operation that stays done; CANCELLED may take the place of another error after a Cancel",
			Reduce:   Prefix,
			New:      judgeFailureStays,
			Corrupt: either(
				editBound(bothFailing, func(b, _ *operation.Operation) { b.Result = nil }),
				editBound(bothFailing, recode),
			),
		},
		{
			ID: "LRO-11", Title: "A detected failure is how the operation ends", Core: true, Level: Guide,
			Quote:    "Only when the service returns to the previous state will the operation be considered completed",
			Source:   ofGuide,
			Sees:     content,
			Exercise: "read an operation between the detection of its failure and its end, and after its end",
			Guard:    "one answer is before the end and the other is the end, whatever the order of the calls; CANCELLED may take the place of another error after a Cancel",
			Reduce:   Prefix,
			New:      judgeFailureEnds,
			Corrupt: either(
				editLater(func(a, b *Seen) bool { return a.Answer.Rank() == Failing && isDone(b) }, recode),
				editLater(func(a, b *Seen) bool { return a.Answer.Rank() == Failing && isDone(b) && hasError(b) }, flip),
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
			Corrupt: either(
				editLater(bothNamed, func(b, _ *operation.Operation) { setImageID(b, "fdv-of-another-image") }),
				editBound(bothNamed, func(b, _ *operation.Operation) { b.Metadata = nil }),
			),
		},
		{
			ID: "LRO-13", Title: "An operation ends", Level: Practice,
			Quote:    "If the value is `false`, it means the operation is still in progress.",
			Source:   ofOperation + ".done",
			Sees:     content,
			Exercise: "poll an operation until it is done, or for as long as it may take",
			Guard:    "patience is no proof: never more than inconclusive",
			Reduce:   Prefix,
			New:      judgeEnds(sinceFirst),
			Corrupt:  corruptEnds(anyAnswer),
		},
	}
}

// readRules are about who can read an operation, and what readers say of each
// other.
func readRules() []*Rule {
	return []*Rule{
		{
			ID: "LRO-14", Title: "A new operation can be read", Core: true, Level: Proto,
			Quote:    quoteGet,
			Source:   ofGet,
			Sees:     content,
			Exercise: "read an operation right after it was created",
			Guard:    "where reads may be stale, three reads or the window may miss it, as the vendor's own client expects; whoever may not see it, a proxy's answer and PERMISSION_DENIED prove nothing, and what was found before may have expired",
			Reduce:   Prefix,
			New:      judgeReadable,
			Corrupt:  corruptReadable,
		},
		{
			ID: "LRO-15", Title: "A done operation can still be read", Level: Practice,
			Quote:    "A good rule of thumb for operation expiry is 30 days.",
			Source:   "AIP-151",
			Sees:     content,
			Exercise: "read an operation after it was seen to be done",
			Guard:    "no document of the vendor says how long: a warning; where reads may be stale, those after the window count, and those over one connection",
			New:      judgeStillReadable,
			Corrupt:  corruptStillReadable,
		},
		{
			ID: "LRO-16", Title: "No read is behind the answer of the creating call", Core: true, Level: Implied,
			Quote:    quoteGet,
			Source:   ofGet,
			Sees:     content,
			Exercise: "read an operation after the call that created it",
			Guard:    "the creating call is the first read, in the order that binds any; a call with a key that was used before is a read at its own time",
			New:      judgeNotBehindStart,
			Corrupt:  corruptBehindStart,
		},
		{
			ID: "LRO-17", Title: "Readers at once see one history", Core: true, Level: Practice, Strong: true,
			Quote:    quoteGet,
			Source:   ofGet,
			Sees:     content,
			Exercise: "read an operation over two connections, one after the other",
			Guard:    "only where reads are promised never to be stale, and only reads of which one had returned before the other was called",
			New:      judgeOneHistory,
			Corrupt: editBound(func(a, b *Seen) bool {
				return bothDone(a, b) && a.Connection() != "" && b.Connection() != "" && !sameConnection(a, b)
			}, undone),
		},
		{
			ID: "LRO-18", Title: "One connection never goes back", Level: Practice,
			Quote:    quoteGet,
			Source:   ofGet,
			Sees:     content,
			Exercise: "read an operation twice over one connection",
			Guard:    "a balancer may spread one connection over replicas: a warning; what creates or cancels may be answered by another replica than reads, and does not bind them",
			New:      judgeOneConnection,
			Corrupt: editLater(func(a, b *Seen) bool {
				return bothDone(a, b) && sameConnection(a, b) && a.Is(MethodGet) && b.Is(MethodGet)
			}, undone),
		},
		{
			ID: "LRO-19", Title: "Operations do not touch each other", Level: Implied, World: true,
			Quote:    "Cancels the specified operation.",
			Source:   "operation_service.proto, OperationService.Cancel",
			Sees:     content,
			Exercise: "read an operation before and after another one is cancelled",
			Guard:    "an operation may progress by itself; only what nothing but a Cancel of itself could have caused is a breach, once all calls have returned that may turn out to be one",
			Reduce:   Prefix,
			New:      judgeIndependent,
			Corrupt:  corruptIndependent,
		},
	}
}
