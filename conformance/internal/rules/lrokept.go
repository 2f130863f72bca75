package rules

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// kept is the machine of a rule about two answers that both say done, whatever
// their order. Judge compares with the first that did.
func kept(applies func(a, b *Seen) bool, judge func(first, s *Seen, sink *Sink)) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !isDone(s) || s.Op.Done == nil || !applies(s.Op.Done, s) {
			return
		}
		sink.exercise(s.Op)
		if s.Fresh {
			judge(s.Op.Done, s, sink)
		}
	}}
}

// goneOf is what is left of an operation that was done when it was forgotten, nil
// without one and where it was seen to be done again.
func goneOf(s *Seen) *Gone {
	if !about(s) || !isDone(s) || s.Op.Done != nil || s.Op.Gone == nil || s.Op.Gone.Outcome == 0 {
		return nil
	}
	return s.Op.Gone
}

// withGone is the machine with another judgement, of operations that were
// forgotten.
func withGone(m Machine, judge func(g *Gone, s *Seen, sink *Sink)) Machine {
	call := m.Call
	m.Call = func(s *Seen, sink *Sink) {
		call(s, sink)
		if g := goneOf(s); g != nil {
			judge(g, s, sink)
		}
	}
	return m
}

func judgeOutcome(*Env) Machine {
	return withGone(kept(
		func(a, b *Seen) bool { return a.Answer.Outcome() != "neither" && b.Answer.Outcome() != "neither" },
		func(first, s *Seen, sink *Sink) {
			if was, is := first.Answer.Outcome(), s.Answer.Outcome(); was != is {
				sink.Breach(by(first, s), "%s said done with %s, and %s says done with %s; an operation that is completed has one outcome", first.When(), was, s.When(), is)
			}
		},
	), func(g *Gone, s *Seen, sink *Sink) {
		if is := s.Answer.Outcome(); g.Outcome != 'n' && is != "neither" {
			sink.exercise(s.Op)
			if is[0] != g.Outcome {
				sink.Breach(by(s), "%s says done with %s, and a call that had returned by %s said done with another result; an operation that is completed has one outcome", s.When(), is, seconds(g.Done))
			}
		}
	})
}

func judgeErrorKept(*Env) Machine {
	return withGone(kept(
		func(a, b *Seen) bool { return hasError(a) && hasError(b) },
		func(first, s *Seen, sink *Sink) {
			was, is := first.Answer.GetError(), s.Answer.GetError()
			switch {
			case was.GetCode() != is.GetCode():
				sink.Breach(by(first, s), "%s said done with the error code %d, and %s says done with %d; an operation that is completed has failed for one reason", first.When(), was.GetCode(), s.When(), is.GetCode())
			case sameLanguage(first, s) && was.GetMessage() != is.GetMessage():
				sink.Warn(by(first, s), "%s and %s tell the same error code with another message", first.When(), s.When())
			case !sameDetails(was, is):
				sink.Warn(by(first, s), "%s and %s tell the same error code with other details", first.When(), s.When())
			}
		},
	), func(g *Gone, s *Seen, sink *Sink) {
		if g.Outcome == 'e' && hasError(s) {
			sink.exercise(s.Op)
			if is := s.Answer.GetError().GetCode(); is != g.Code {
				sink.Breach(by(s), "%s says done with the error code %d, and a call that had returned by %s said done with %d; an operation that is completed has failed for one reason", s.When(), is, seconds(g.Done), g.Code)
			}
		}
	})
}

// sameLanguage reports whether both callers read the same language.
func sameLanguage(a, b *Seen) bool {
	x, _ := a.RequestHeader.Get("accept-language")
	y, _ := b.RequestHeader.Get("accept-language")
	return x == y
}

// sameDetails compares the details that two statuses have of the same type, but for
// those that are about the read and not about the error.
func sameDetails(a, b *status.Status) bool {
	for _, x := range a.GetDetails() {
		m := detail(x)
		if m == nil {
			continue
		}
		for _, y := range b.GetDetails() {
			if n := detail(y); n != nil && x.MessageName() == y.MessageName() && !sameKnown(m, n) {
				return false
			}
		}
	}
	return true
}

// detail is the message inside, nil for one that does not count.
func detail(a *anypb.Any) proto.Message {
	m, err := unpacked(a)
	if err != nil {
		return nil
	}
	switch m.(type) {
	case *errdetails.LocalizedMessage, *errdetails.RequestInfo, *errdetails.DebugInfo, *errdetails.RetryInfo:
		return nil
	}
	return m
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

// again is the machine of a rule about an answer and the others about the same
// operation, whatever their order.
func again(judge func(others []*Look, s *Seen, sink *Sink)) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || len(s.Op.Looks) == 0 {
			return
		}
		sink.exercise(s.Op)
		if s.look.Count == 0 {
			judge(s.Op.Looks, s, sink)
		}
	}}
}

func judgeCreationKept(*Env) Machine {
	return again(func(others []*Look, s *Seen, sink *Sink) {
		b := s.Answer
		for _, l := range others {
			first, a := l.First, l.First.Answer
			if was, is := a.GetCreatedBy(), b.GetCreatedBy(); was != is && was != "" && is != "" {
				sink.Breach(by(first, s), "created_by is %q in %s and %q in %s; an operation has one creator", short(was), first.When(), short(is), s.When())
				return
			}
			if was, is := a.GetCreatedAt(), b.GetCreatedAt(); was.IsValid() && is.IsValid() && !sameInstant(was, is) {
				sink.Breach(by(first, s), "created_at is %s in %s and %s in %s; an operation was created once", stampText(was), first.When(), stampText(is), s.When())
				return
			}
		}
	})
}

func judgeDescriptionKept(*Env) Machine {
	return again(func(others []*Look, s *Seen, sink *Sink) {
		first := others[0].First
		was, is := first.Answer.GetDescription(), s.Answer.GetDescription()
		if was == is || !sameLanguage(first, s) {
			return
		}
		for _, l := range others {
			if l.First.Answer.GetDescription() != was {
				return // it was told of once
			}
		}
		sink.Breach(by(first, s), "description is %q in %s and %q in %s", short(was), first.When(), short(is), s.When())
	})
}
