package rules

import (
	"strings"

	"github.com/optest-dev/optest/trace"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Op is what was seen of one operation so far.
type Op struct {
	ID string
	// Method has started it, nil if that was not seen.
	Method *Method
	// Start is the first call that answered with the operation as one that it has
	// started, and Request what it asked for. Nil if that was not seen. Request is
	// nil, too, where another call with the same idempotency key, which asked for
	// something else, may have been the one that the operation was started for.
	Start   *Seen
	Request proto.Message
	// Looks are the distinct answers in the order of their first return, the latest
	// of them where there were more than maxLooks.
	Looks []*Look
	// Done is the first answer that said done.
	Done *Seen
	// Failing is the first answer that had an error and was not done.
	Failing *Seen
	// Cancels are calls of Cancel, the first ones.
	Cancels []*Seen
	// Reads counts the answers.
	Reads int
	// Harmless are calls over REST that must not cancel it: plain reads, and others at
	// the path of Cancel with verbs that have no effect. The first ones.
	Harmless []*Seen
	// Changes are later calls on the operation's image that write to it: Update and
	// Delete.
	Changes []*Seen

	// Gone is what is left of the operation from before the checker had to forget
	// it, nil if it never had to.
	Gone *Gone

	began   int // which event was the first about it
	order   order
	dropped int // looks
	queued  bool
}

// Gone is what is kept of an operation that was done when it was forgotten.
type Gone struct {
	Outcome byte // the first of error, response, neither
	Code    int32
	Image   uint64 // hash of the image's id
}

// Bounds of what is kept of an operation.
const (
	maxLooks    = 64
	maxCancels  = 8
	maxHarmless = 4
	maxChanges  = 8
)

// Look is one distinct answer about an operation.
type Look struct {
	// First is the call that returned it first, Last the one that did so last.
	First, Last *Seen
	Count       int

	blobs []*trace.Blob
	index int    // in the order in which looks came
	after uint64 // looks, by index modulo maxLooks, that a call with this answer came after
	again bool
}

// Precision is the finest unit that the stamps of the operation show: 1 s, 1 ms,
// 1 µs or 1 ns, in nanoseconds.
func (op *Op) Precision() int64 {
	unit := int64(1_000_000_000)
	for _, l := range op.Looks {
		for _, t := range []*timestamppb.Timestamp{l.First.Answer.GetCreatedAt(), l.First.Answer.GetModifiedAt()} {
			for n := int64(t.GetNanos()); n%unit != 0; {
				unit /= 1000
			}
		}
	}
	return unit
}

// CancelBefore is a Cancel that may have taken effect before the call returned,
// nil without one.
func (op *Op) CancelBefore(s *Seen) *Seen {
	for _, c := range op.Cancels {
		if c.Called < s.Returned && !turnedAway(c) {
			return c
		}
	}
	return nil
}

// LookOf is the look that the answer was the first of, nil for none that is kept.
func (op *Op) LookOf(first *Seen) *Look {
	for _, l := range op.Looks {
		if l.First == first {
			return l
		}
	}
	return nil
}

// ImageID is that of the first metadata which has one, empty without.
func (op *Op) ImageID() string {
	for _, l := range op.Looks {
		if id := l.First.Answer.ImageID(); id != "" {
			return id
		}
	}
	return ""
}

// short is an id as a report shows it.
func short(id string) string {
	const longest = 24
	if len(id) > longest {
		return strings.ToValidUTF8(id[:longest], "") + "…"
	}
	return id
}
