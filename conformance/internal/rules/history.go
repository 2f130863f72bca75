package rules

import (
	"strings"

	"google.golang.org/protobuf/proto"
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
	// Doubtful: the operation may have been started before Start, for another request
	// that nobody has seen, as Start may be a repetition of that one by its key.
	Doubtful bool
	// Looks are the distinct answers in the order of their first return, the latest
	// of them where there were more than maxLooks.
	Looks []*Look
	// Done is the first answer that said done.
	Done *Seen
	// Failing is the first answer that had an error and was not done.
	Failing *Seen
	// Found is the first answer of another call than one that starts operations.
	Found *Seen
	// Named is the first answer whose metadata named an image.
	Named *Seen
	// Cancels are calls of Cancel, the first ones.
	Cancels []*Seen
	// Reads counts the answers.
	Reads int
	// Changes are later calls on the operation's image that write to it: Update and
	// Delete.
	Changes []*Seen

	// Gone is what is left of the operation from before the checker had to forget
	// it, nil if it never had to.
	Gone *Gone

	unread    *unreadChanges // of the checker, nil for an operation of none
	exercised [2]uint64      // sinks that have counted it, by their places
	order     order
	harmless  []harmlessCall
	dropped   int      // looks
	size      int      // of what its looks have answered, in bytes
	images    []string // that it was said to make
	// Its neighbours among the operations that are done, or among those that are not.
	previous, next *Op
}

// Bounds of what is kept of an operation.
const (
	maxLooks     = 64
	maxLooksSize = 8 << 20 // of their answers, in bytes
	maxCancels   = 8
	maxHarmless  = 8
	maxNamed     = 4
	maxChanges   = 8
)

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

// caused reports whether anybody has asked for the end of the operation before the
// call returned, whatever came of it.
func (op *Op) caused(s *Seen) bool {
	if cancels(s) {
		return true
	}
	for _, c := range op.Cancels {
		if c.Called < s.Returned {
			return true
		}
	}
	return false
}

// ImageID is that of the first metadata which has one, empty without.
func (op *Op) ImageID() string {
	if op.Named == nil {
		return ""
	}
	return op.Named.Answer.ImageID()
}

// take remembers an answer about the operation.
func (op *Op) take(s *Seen, look *Look) {
	op.Reads++
	op.see(s, look)
	first := func(which **Seen, is bool) {
		if *which == nil && is {
			*which = s
		}
	}
	rank := s.Answer.Rank()
	first(&op.Done, rank == Done)
	first(&op.Failing, rank == Failing)
	first(&op.Found, !s.Starts())
	first(&op.Named, s.Answer.ImageID() != "")
	op.order.note(s)
}

// short is an id as a report shows it.
func short(id string) string {
	const longest = 24
	if len(id) > longest {
		return strings.ToValidUTF8(id[:longest], "") + "…"
	}
	return id
}
