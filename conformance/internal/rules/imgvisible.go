package rules

import (
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// visits are reads of one operation's image before the operation was seen to be
// done: of each kind the first, which stands for others, and the last that found
// it.
type visits struct{ good, early, late, odd, last *Seen }

const (
	// An image may become ACTIVE a moment before its operation is done, as a server
	// can't write both at once.
	finishing = 5 * time.Second

	// maxVisited bounds operations whose image was read. Beyond it, all are forgotten.
	maxVisited = 1 << 12

	// maxWaits bounds how often a judgement waits for another longestCall.
	maxWaits = 300
)

// judgeVisible looks for images that can't be read while they are being made.
//
// That the operation was still in progress is known only from what comes later: a
// read of it that says so, or its success.
func judgeVisible(env *Env) Machine {
	var waiting held
	visited := map[*Op]*visits{}
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			op := s.Made
			if op == nil || !s.Is(MethodGetImage) || op.Start == nil || op.Start.Returned >= s.Called || op.ended(s) {
				return
			}
			v := visited[op]
			if v == nil {
				if len(visited) >= maxVisited {
					clear(visited)
				}
				v = &visits{}
				visited[op] = v
			}
			slot := v.slot(env, op, s)
			if slot == nil || *slot != nil {
				return
			}
			*slot = s
			waiting.visit(env, op, v, s, maxWaits)
		},
		End: waiting.end,
	}
}

// ended reports whether the operation was seen, before s was called, to have
// ended or to be rolled back.
func (op *Op) ended(s *Seen) bool {
	return op.Done != nil && op.Done.Returned < s.Called || op.Failing != nil && op.Failing.Returned < s.Called
}

// slot is where a read belongs by what it found, nil for one that tells nothing.
func (v *visits) slot(env *Env, op *Op, s *Seen) **Seen {
	image, ok := s.Response.(*clouddesktop.DesktopImage)
	switch {
	case ok:
		v.last = s
		if image.GetStatus() != clouddesktop.DesktopImage_CREATING {
			return &v.odd
		}
		return &v.good
	case s.Code() == code.Code_NOT_FOUND && s.Failed():
		if s.Called-op.Start.Returned < env.Window {
			return &v.early
		}
		return &v.late
	}
	return nil
}

// visit judges a read once it is known how far the operation was.
func (h *held) visit(env *Env, op *Op, v *visits, s *Seen, waits int) {
	h.hold(s, func(sink *Sink) {
		proof := op.proof(env, s.Returned+env.Window)
		switch {
		case op.interrupted(s):
		case proof != nil:
			sink.Exercise(op.ID)
			v.judge(env, op, s, proof, sink)
		case op.Done == nil && waits > 0:
			h.visit(env, op, v, s, waits-1)
		}
	})
}

// proof is a read by which the operation was in progress, or was to succeed with
// its image still there, at a time; nil without one.
func (op *Op) proof(env *Env, at time.Duration) *Seen {
	for _, l := range op.Looks {
		if l.First.Answer.Rank() == Pending && l.Last.Called >= at {
			return l.Last
		}
	}
	// Where calls are made that are not seen, the image may be deleted by then.
	if op.Done != nil && op.Done.Answer.Outcome() == "response" && env.World {
		return op.Done
	}
	return nil
}

// interrupted reports whether the image may have gone before s returned, and why
// is no matter: by a roll-back after Cancel, or deleted.
func (op *Op) interrupted(s *Seen) bool {
	return op.CancelBefore(s) != nil || op.changedBy(s, MethodDelete) != nil
}

func (v *visits) judge(env *Env, op *Op, s, proof *Seen, sink *Sink) {
	progress := fmt.Sprintf("%s had named the image, and by %s its operation is %s", op.Start.When(), proof.When(), proof.Answer.Rank())
	switch s {
	case v.late:
		breachOfParty(env, sink, op.Start, s, by(op.Start, s, proof), "%s says that there is no such image, although %s; an image can be read by the id in the metadata from the first answer on", s.When(), progress)
	case v.early:
		if v.last == nil || v.last.Called < s.Called {
			sink.Unsure(by(op.Start, s, proof), "%s says that there is no such image, although %s; that may be within the %s that reads may be late, and no later read has found it", s.When(), progress, env.Window)
		}
	case v.odd:
		image, _ := s.Response.(*clouddesktop.DesktopImage)
		status, documented := shownStatus(s, image)
		if documented && proof.Answer.Rank() == Pending && proof.Called-s.Returned >= max(env.Window, finishing) {
			sink.Breach(by(op.Start, s, proof), "%s says that the image is %s, although %s; an image that is still being made is CREATING", s.When(), status, progress)
		}
	}
}
