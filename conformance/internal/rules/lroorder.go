package rules

import (
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
)

func judgeStaysDone(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) {
			return
		}
		earlier := s.Op.doneBefore(env, s)
		switch {
		case earlier != nil:
			sink.Exercise(s.Op.ID)
			if !isDone(s) {
				sink.Breach(by(earlier, s), "%s said done and %s, called after that had returned, says that the operation is %s; no server can do both if done is final", earlier.When(), s.When(), s.Answer.Rank())
			}
		case s.Op.Gone != nil && !isDone(s):
			sink.Breach(by(s), "%s: the operation was seen to be done long before, and is %s now", s.When(), s.Answer.Rank())
		}
	}}
}

// kept is the machine of a rule about two answers that both say done, whatever
// their order. Judge compares with the first that did.
func kept(applies func(a, b *Seen) bool, judge func(first, s *Seen, sink *Sink)) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !isDone(s) || s.Op.Done == nil || !applies(s.Op.Done, s) {
			return
		}
		sink.Exercise(s.Op.ID)
		judge(s.Op.Done, s, sink)
	}}
}

func judgeOutcome(*Env) Machine {
	m := kept(
		func(a, b *Seen) bool { return a.Answer.Outcome() != "neither" && b.Answer.Outcome() != "neither" },
		func(first, s *Seen, sink *Sink) {
			if was, is := first.Answer.Outcome(), s.Answer.Outcome(); was != is {
				sink.Breach(by(first, s), "%s said done with %s, and %s says done with %s; an operation that is completed has one outcome", first.When(), was, s.When(), is)
			}
		},
	)
	call := m.Call
	m.Call = func(s *Seen, sink *Sink) {
		call(s, sink)
		if g := goneOf(s); g != nil && isDone(s) && s.Answer.Outcome() != "neither" && s.Answer.Outcome()[0] != g.Outcome {
			sink.Breach(by(s), "%s: the operation ended long before in another way than with %s", s.When(), s.Answer.Outcome())
		}
	}
	return m
}

// goneOf is what is left of an operation that was forgotten, nil for one that is
// known.
func goneOf(s *Seen) *Gone {
	if !about(s) || s.Op.Done != nil {
		return nil
	}
	return s.Op.Gone
}

func judgeErrorKept(*Env) Machine {
	return kept(
		func(a, b *Seen) bool { return hasError(a) && hasError(b) },
		func(first, s *Seen, sink *Sink) {
			was, is := first.Answer.GetError(), s.Answer.GetError()
			switch {
			case was.GetCode() != is.GetCode():
				sink.Breach(by(first, s), "%s said done with the error code %d, and %s says done with %d; an operation that is completed has failed for one reason", first.When(), was.GetCode(), s.When(), is.GetCode())
			case s.Fresh && (was.GetMessage() != is.GetMessage() || s.ResponseCodec == first.ResponseCodec && !proto.Equal(was, is)):
				// Of a detail that only a newer client knows, JSON shows nothing.
				sink.Warn(by(first, s), "%s and %s tell the same code with another message or other details", first.When(), s.When())
			}
		},
	)
}

func judgeResponseKept(*Env) Machine {
	return kept(
		func(a, b *Seen) bool { return a.Answer.GetResponse() != nil && b.Answer.GetResponse() != nil },
		func(first, s *Seen, sink *Sink) {
			differs := func(what string, was, is any) {
				sink.Breach(by(first, s), "the response has the %s %v in %s and %v in %s; an operation that is completed has made one image", what, was, first.When(), is, s.When())
			}
			was, is := first.Answer, s.Answer
			if was.GetResponse().MessageName() != is.GetResponse().MessageName() {
				differs("type", was.GetResponse().MessageName(), is.GetResponse().MessageName())
				return
			}
			a, b := was.Image, is.Image
			if a == nil || b == nil {
				return
			}
			switch {
			case a.GetId() != b.GetId():
				differs("id", short(a.GetId()), short(b.GetId()))
			case a.GetCreatedAt().IsValid() && b.GetCreatedAt().IsValid() && !sameInstant(a.GetCreatedAt(), b.GetCreatedAt()):
				differs("time of creation", stampText(a.GetCreatedAt()), stampText(b.GetCreatedAt()))
			case a.GetStorageSize() != b.GetStorageSize():
				differs("storage_size", a.GetStorageSize(), b.GetStorageSize())
			case a.GetMinDiskSize() != b.GetMinDiskSize():
				differs("min_disk_size", a.GetMinDiskSize(), b.GetMinDiskSize())
			}
		},
	)
}

// again is the machine of a rule about an answer and the first about the same
// operation, whatever their order.
func again(judge func(first, s *Seen, sink *Sink)) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || len(s.Op.Looks) == 0 {
			return
		}
		sink.Exercise(s.Op.ID)
		if s.Fresh {
			judge(s.Op.Looks[0].First, s, sink)
		}
	}}
}

func judgeCreationKept(*Env) Machine {
	return again(func(first, s *Seen, sink *Sink) {
		a, b := first.Answer, s.Answer
		if a.GetCreatedBy() != b.GetCreatedBy() {
			sink.Breach(by(first, s), "created_by is %q in %s and %q in %s; an operation has one creator", short(a.GetCreatedBy()), first.When(), short(b.GetCreatedBy()), s.When())
		}
		if a.GetCreatedAt().IsValid() && b.GetCreatedAt().IsValid() && !sameInstant(a.GetCreatedAt(), b.GetCreatedAt()) {
			sink.Breach(by(first, s), "created_at is %s in %s and %s in %s; an operation was created once", stampText(a.GetCreatedAt()), first.When(), stampText(b.GetCreatedAt()), s.When())
		}
	})
}

func judgeDescriptionKept(*Env) Machine {
	return again(func(first, s *Seen, sink *Sink) {
		was, is := first.Answer.GetDescription(), s.Answer.GetDescription()
		told := slices.ContainsFunc(s.Op.Looks, func(l *Look) bool { return l.First.Answer.GetDescription() != was })
		if was != is && !told { // once for an operation
			sink.Breach(by(first, s), "description is %q in %s and %q in %s", short(was), first.When(), short(is), s.When())
		}
	})
}

func judgeNotBehindStart(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || s.Op.Start == nil || s.Op.Start == s || before(s.Op.Start, s, int64(env.Window)) == nil {
			return
		}
		start := s.Op.Start
		sink.Exercise(s.Op.ID)
		if s.Answer.Rank() < start.Answer.Rank() {
			sink.Breach(by(start, s), "%s answered that the operation is %s, and %s, called after that had returned, says that it is %s; what the creating call has told is the first state, not a later one", start.When(), start.Answer.Rank(), s.When(), s.Answer.Rank())
		}
	}}
}

// judgeOneHistory compares what different connections say.
func judgeOneHistory(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) {
			return
		}
		op := s.Op
		elsewhere := func(e *Seen) bool {
			return before(e, s, int64(env.Window)) != nil && e.Connection() != s.Connection()
		}
		if len(op.Looks) > 0 && elsewhere(op.Looks[0].First) {
			sink.Exercise(op.ID)
		}
		var ahead *Seen
		for _, c := range op.order.conns {
			if e := c.all.rank; elsewhere(e) && e.Answer.Rank() > s.Answer.Rank() && (ahead == nil || e.Returned < ahead.Returned) {
				ahead = e
			}
		}
		if e := ahead; e != nil {
			sink.Breach(by(e, s), "%s said over one connection that the operation is %s, and %s, called over another after that had returned, says that it is %s; readers that see one history can't see both", e.When(), e.Answer.Rank(), s.When(), s.Answer.Rank())
			return
		}
		if e := op.stampBefore(env, s); e != nil && elsewhere(e) && back(e, s) > time.Second {
			sink.Breach(by(e, s), "%s showed modified_at %s over one connection, and %s, called over another after that had returned, shows %s; readers that see one history can't see both", e.When(), stampText(e.Answer.GetModifiedAt()), s.When(), stampText(s.Answer.GetModifiedAt()))
		}
	}}
}

func judgeOneConnection(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) {
			return
		}
		stamp, rank := s.Op.order.on(s)
		if rank != nil {
			sink.Exercise(s.Op.ID)
		}
		switch {
		case rank != nil && rank.Answer.Rank() > s.Answer.Rank():
			sink.Breach(by(rank, s), "%s and %s are reads over one connection, and the operation is %s and then %s", rank.When(), s.When(), rank.Answer.Rank(), s.Answer.Rank())
		case stamp != nil && back(stamp, s) > time.Second:
			sink.Breach(by(stamp, s), "%s and %s are reads over one connection, and modified_at is %s and then %s", stamp.When(), s.When(), stampText(stamp.Answer.GetModifiedAt()), stampText(s.Answer.GetModifiedAt()))
		}
	}}
}

// missed reports whether a read did not find an operation that was created before
// it.
func missed(s *Seen) bool {
	return s.Is(MethodGet) && s.Failed() && s.Code() == code.Code_NOT_FOUND && s.Op != nil && s.Op.Start != nil && s.Op.Start.Returned < s.Called
}
