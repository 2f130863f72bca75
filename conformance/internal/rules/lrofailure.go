package rules

import (
	"math/rand/v2"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
)

func judgeFailureStays(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || isDone(s) {
			return
		}
		e := s.Op.failingBefore(env, s)
		if e == nil {
			return
		}
		sink.Exercise(s.Op.ID)
		was, is := e.Answer.GetError().GetCode(), s.Answer.GetError().GetCode()
		switch {
		case isCancelled(s) && s.Op.CancelBefore(s) != nil: // the roll-back was cancelled
		case s.Answer.GetError() == nil:
			sink.Breach(by(e, s), "%s showed the error %s of an operation that is not done, and %s, called after that had returned, shows none; a failure that was detected does not go away while the service returns to the state before", e.When(), code.Code(was), s.When())
		case was != is:
			sink.Breach(by(e, s), "%s showed the error %s of an operation that is not done, and %s shows %s; an operation fails for one reason", e.When(), code.Code(was), s.When(), code.Code(is))
		}
	}}
}

func judgeFailureEnds(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !isDone(s) || s.Op.Failing == nil || s.Answer.Outcome() == "neither" {
			return
		}
		e := s.Op.Failing
		sink.Exercise(s.Op.ID)
		is := s.Answer.GetError().GetCode()
		for _, l := range s.Op.Looks {
			// It may have shown several.
			if a := l.First.Answer; a.Rank() == Failing && a.GetError().GetCode() != is {
				e = l.First
			}
		}
		was := e.Answer.GetError().GetCode()
		switch {
		case isCancelled(s) && s.Op.CancelBefore(s) != nil: // the roll-back was cancelled
		case s.Answer.GetError() == nil:
			sink.Breach(by(e, s), "%s showed the error %s of an operation that was not done, and in %s it is done with a response; a service that has found a failure deletes what it has made, and can't succeed", e.When(), code.Code(was), s.When())
		case was != is:
			sink.Breach(by(e, s), "%s showed the error %s of an operation that was not done, and in %s it is done with %s; it has failed for the reason that was shown", e.When(), code.Code(was), s.When(), code.Code(is))
		}
	}}
}

func judgeTargetStays(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || s.Answer.MetaErr != nil {
			return
		}
		first := s.Op.named()
		if first == nil {
			return
		}
		is := s.Answer.ImageID()
		if m := s.Answer.GetMetadata(); m != nil && m.MessageName() != first.Answer.GetMetadata().MessageName() {
			return
		}
		sink.Exercise(s.Op.ID)
		was := first.Answer.ImageID()
		switch {
		case is == "" && before(first, s, int64(env.Window)) != nil:
			sink.Breach(by(first, s), "%s named the image %s, and %s, called after that had returned, names none; the image of an operation does not become unknown", first.When(), short(was), s.When())
		case is != "" && is != was:
			sink.Breach(by(first, s), "%s named the image %s, and %s names %s; an operation makes one image", first.When(), short(was), s.When(), short(is))
		}
	}}
}

// named is the first answer whose metadata names an image.
func (op *Op) named() *Seen {
	for _, l := range op.Looks {
		if l.First.Answer.ImageID() != "" {
			return l.First
		}
	}
	return nil
}

// judgeEnds waits for the end of those operations that count.
func judgeEnds(counts func(*Op) bool) func(*Env) Machine {
	return func(env *Env) Machine {
		open := map[string]*Op{}
		var order []string
		return Machine{
			Call: func(s *Seen, sink *Sink) {
				if !about(s) {
					return
				}
				if isDone(s) {
					delete(open, s.Op.ID)
					if counts(s.Op) {
						sink.Exercise(s.Op.ID)
					}
					return
				}
				if _, ok := open[s.Op.ID]; ok || s.Op.Done != nil {
					return
				}
				if len(open) >= maxOps && len(order) > 0 {
					delete(open, order[0])
					order = order[1:]
				}
				open[s.Op.ID] = s.Op
				order = append(order, s.Op.ID)
				if len(order) > 2*maxOps {
					order = order[len(order)-maxOps:]
				}
			},
			End: func(sink *Sink) {
				for _, id := range order {
					op := open[id]
					delete(open, id)
					if op == nil || len(op.Looks) == 0 || !counts(op) || env.Bound <= 0 {
						continue
					}
					first, last := op.Looks[0].First, op.Looks[len(op.Looks)-1].Last
					if last.Returned-first.Called >= env.Bound {
						sink.Unsure(by(first, last), "%s is the first and %s the last that was seen of the operation, %v apart, and it is still %s", first.When(), last.When(), (last.Returned - first.Called).Round(time.Second), last.Answer.Rank())
					}
				}
			},
		}
	}
}

// corruptEnds has an operation of those that count go on for ever.
func corruptEnds(counts func(*Seen) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		if t.Env.Bound <= 0 {
			return "", false
		}
		i, ok := t.Pick(draw, func(s *Seen) bool { return s.Answer != nil && isDone(s) && s.Is(MethodGet) && counts(s) })
		if !ok {
			return "", false
		}
		id := operationOf(t.At(i))
		undo := func(m *operation.Operation) { m.Done, m.Result = false, nil }
		for _, j := range t.Where(func(s *Seen) bool { return s.Answer != nil && operationOf(s) == id && isDone(s) }) {
			if !t.Edit(j, undo) {
				return "", false
			}
		}
		last := *t.Events[i]
		t.Add(last)
		added := t.Events[len(t.Events)-1]
		added.Called += t.Env.Bound
		added.Returned += t.Env.Bound
		return t.At(i).When(), true
	}
}

func judgeReadable(env *Env) Machine {
	const patience = 3 // reads that the vendor's own client lets miss the operation
	misses := map[string]int{}
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.Is(MethodGet) && about(s) && s.Op.Start != nil && s.Op.Start.Returned < s.Called {
			sink.Exercise(s.Op.ID)
			return
		}
		if !missed(s) || s.Op.Done != nil && s.Op.Done.Returned < s.Called {
			return
		}
		sink.Exercise(s.Op.ID)
		start := s.Op.Start
		if env.Eventual() {
			if len(misses) >= maxOps {
				clear(misses)
			}
			misses[s.Op.ID]++
			if misses[s.Op.ID] <= patience || s.Called-start.Returned <= env.Window {
				return
			}
		}
		sink.Breach(by(start, s), "%s answered with operation %s, and %s, called after that had returned, is told that there is none; a client that gives up now has started what it can't find again", start.When(), short(s.Op.ID), s.When())
	}}
}

func judgeStillReadable(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.Op == nil || !s.Is(MethodGet) {
			return
		}
		done := s.Op.doneBefore(env, s)
		switch {
		case done == nil:
		case about(s):
			sink.Exercise(s.Op.ID)
		case s.Failed() && s.Code() == code.Code_NOT_FOUND:
			sink.Exercise(s.Op.ID)
			sink.Breach(by(done, s), "%s said that the operation is done, and %s is told that there is none; a client that polls slower never learns how it ended", done.When(), s.When())
		}
	}}
}

// corruptBehindStart lets a read fall behind the answer of the creating call.
func corruptBehindStart(t *Tape, draw *rand.Rand) (string, bool) {
	starts := map[string]*Seen{}
	for i := range t.Events {
		if s := t.At(i); s.Starts() && s.Answer != nil && starts[s.Answer.GetId()] == nil {
			starts[s.Answer.GetId()] = s
		}
	}
	i, ok := t.Pick(draw, func(s *Seen) bool {
		start := starts[operationOf(s)]
		return s.Answer != nil && start != nil && start != s && start.Returned < s.Called && start.Answer.Rank() > Pending
	})
	if !ok {
		return "", false
	}
	return t.At(i).When(), t.Edit(i, func(m *operation.Operation) { m.Done, m.Result = false, nil })
}

// flip gives the operation the other outcome.
func flip(m, _ *operation.Operation) {
	if m.GetError() != nil {
		empty, err := anypb.New(&emptypb.Empty{})
		if err == nil {
			m.Result = &operation.Operation_Response{Response: empty}
		}
		return
	}
	m.Result = &operation.Operation_Error{Error: &status.Status{Code: int32(code.Code_INTERNAL), Message: "corrupted"}}
}

func coded(st *status.Status, c int32) *status.Status {
	return &status.Status{Code: c, Message: st.GetMessage(), Details: st.GetDetails()}
}

// otherImage has the response be another image.
func otherImage(m, _ *operation.Operation) {
	image := &clouddesktop.DesktopImage{}
	if m.GetResponse().UnmarshalTo(image) != nil {
		return
	}
	image = proto.CloneOf(image)
	image.Id += "x"
	if packed, err := anypb.New(image); err == nil {
		m.Result = &operation.Operation_Response{Response: packed}
	}
}
