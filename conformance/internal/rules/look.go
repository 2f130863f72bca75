package rules

import (
	"bytes"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Look is one distinct answer about an operation. Answers that differ in the order
// of a map's entries alone are one.
type Look struct {
	// First is the call that returned it first, Last the one that did so last.
	First, Last *Seen
	Count       int

	blobs   []*trace.Blob
	index   int    // in the order in which looks came
	after   uint64 // looks, by index modulo maxLooks, that a call with this answer came after
	again   bool
	sample  [2]*Seen  // the first in binary and in JSON
	content [2]uint64 // hashes of all but modified_at in these, 0 until they are asked for
}

// follows notes that the look was seen after another, and reports whether that was
// known.
func (l *Look) follows(other *Look) bool {
	if l == other {
		known := l.again
		l.again = true
		return known
	}
	bit := uint64(1) << (other.index % maxLooks)
	known := l.after&bit != 0
	l.after |= bit
	return known
}

// look finds the one that the answer is, and whether its bytes are new.
func (op *Op) look(s *Seen) (look *Look, fresh bool) {
	// Most polls see what the one before has seen.
	for i := len(op.Looks) - 1; i >= 0; i-- {
		if l := op.Looks[i]; slices.Contains(l.blobs, s.Event.Response) {
			return l, false
		}
	}
	for _, l := range op.Looks {
		if alike(l.First.Answer, s.Answer) {
			const most = 8
			if len(l.blobs) < most {
				l.blobs = append(l.blobs, s.Event.Response)
			}
			return l, true
		}
	}
	return nil, true
}

// see counts the answer for the look that it is.
func (op *Op) see(s *Seen, look *Look) {
	look.Last = s
	look.Count++
	if c := encoding(s); look.sample[c] == nil {
		look.sample[c] = s
	}
	if look.Count > 1 {
		return
	}
	look.blobs = append(look.blobs, s.Event.Response)
	op.size += len(s.Event.Response.Bytes())
	for len(op.Looks) == maxLooks || op.size > maxLooksSize && len(op.Looks) > 0 {
		op.size -= len(op.Looks[0].First.Event.Response.Bytes())
		op.Looks = slices.Delete(op.Looks, 0, 1)
		op.dropped++
	}
	look.index = len(op.Looks) + op.dropped
	if op.dropped > 0 {
		for _, l := range op.Looks {
			l.after &^= 1 << (look.index % maxLooks) // the place of the one that went
		}
	}
	op.Looks = append(op.Looks, look)
}

// alike reports whether two answers say the same.
func alike(a, b *Answer) bool {
	if a == b {
		return true
	}
	return a.GetId() == b.GetId() && a.GetDone() == b.GetDone() && a.GetDescription() == b.GetDescription() && a.GetCreatedBy() == b.GetCreatedBy() &&
		sameTime(a.GetCreatedAt(), b.GetCreatedAt()) && sameTime(a.GetModifiedAt(), b.GetModifiedAt()) &&
		sameAny(a.GetMetadata(), b.GetMetadata(), a.Meta, b.Meta) && a.Outcome() == b.Outcome() &&
		sameAny(a.GetResponse(), b.GetResponse(), a.Result, b.Result) && sameStatus(a.GetError(), b.GetError()) &&
		bytes.Equal(a.ProtoReflect().GetUnknown(), b.ProtoReflect().GetUnknown())
}

func sameTime(a, b *timestamppb.Timestamp) bool {
	return (a == nil) == (b == nil) && a.GetSeconds() == b.GetSeconds() && a.GetNanos() == b.GetNanos()
}

// sameAny compares the messages inside where the bytes differ, as a map's entries
// have no order. These are nil where they do not decode.
func sameAny(a, b *anypb.Any, x, y proto.Message) bool {
	if (a == nil) != (b == nil) || a.GetTypeUrl() != b.GetTypeUrl() {
		return false
	}
	return bytes.Equal(a.GetValue(), b.GetValue()) || x != nil && y != nil && proto.Equal(x, y)
}

func sameStatus(a, b *status.Status) bool {
	if (a == nil) != (b == nil) || a.GetCode() != b.GetCode() || a.GetMessage() != b.GetMessage() {
		return false
	}
	return slices.EqualFunc(a.GetDetails(), b.GetDetails(), func(x, y *anypb.Any) bool {
		if x.GetTypeUrl() != y.GetTypeUrl() || bytes.Equal(x.GetValue(), y.GetValue()) {
			return x.GetTypeUrl() == y.GetTypeUrl()
		}
		xm, _ := unpacked(x)
		ym, _ := unpacked(y)
		return sameAny(x, y, xm, ym)
	})
}

// encoding is 1 for JSON.
func encoding(s *Seen) int {
	if s.ResponseCodec == optestv1.Event_JSON {
		return 1
	}
	return 0
}
