package rules

import (
	"math/rand/v2"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// back is by how much modified_at goes back from a to b, 0 where it does not or
// where either is none.
func back(a, b *Seen) time.Duration {
	was, is := a.Answer.GetModifiedAt(), b.Answer.GetModifiedAt()
	if !was.IsValid() || !is.IsValid() {
		return 0
	}
	return max(0, was.AsTime().Sub(is.AsTime()))
}

func judgeStampRises(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !s.Answer.GetModifiedAt().IsValid() {
			return
		}
		e := s.Op.stampBefore(env, s)
		if e == nil {
			return
		}
		sink.Exercise(s.Op.ID)
		d := back(e, s)
		// A store may keep fewer digits than the first answer had.
		if d == 0 || sameInstant(e.Answer.GetModifiedAt(), s.Answer.GetModifiedAt()) {
			return
		}
		report := sink.Breach
		if d <= time.Second {
			report = sink.Warn
		}
		report(by(e, s), "%s showed modified_at %s, and %s, called after that had returned, shows %s; the time of the last modification can't become earlier", e.When(), stampText(e.Answer.GetModifiedAt()), s.When(), stampText(s.Answer.GetModifiedAt()))
	}}
}

// sameInstant compares two stamps at the precision of the coarser one.
func sameInstant(a, b *timestamppb.Timestamp) bool {
	unit := max(finest(a), finest(b))
	return a.GetSeconds() == b.GetSeconds() && a.GetNanos()/unit == b.GetNanos()/unit
}

// finest is the finest unit that a stamp shows, in nanoseconds: 1, 1000 and so
// on.
func finest(t *timestamppb.Timestamp) int32 {
	unit := int32(1_000_000_000)
	for n := t.GetNanos(); n%unit != 0; {
		unit /= 1000
	}
	return unit
}

// changed says what a reader can see to be different in a later answer, empty for
// nothing. The response does not count: a server may render the image as it is now.
func changed(a, b *Answer) string {
	switch {
	case a.GetDone() != b.GetDone():
		return "done"
	case (a.GetError() != nil) != (b.GetError() != nil) || a.GetError().GetCode() != b.GetError().GetCode():
		return "error"
	case (a.GetResponse() != nil) != (b.GetResponse() != nil):
		return "response"
	case !sameMetadata(a, b):
		return "metadata"
	case a.GetDescription() != b.GetDescription():
		return "description"
	}
	return ""
}

// sameMetadata compares what there is in the metadata that the schema has: of what a
// newer server adds, JSON shows nothing.
func sameMetadata(a, b *Answer) bool {
	if a.Meta == nil || b.Meta == nil || proto.Equal(a.GetMetadata(), b.GetMetadata()) {
		return proto.Equal(a.GetMetadata(), b.GetMetadata())
	}
	x, y := proto.Clone(a.Meta), proto.Clone(b.Meta)
	x.ProtoReflect().SetUnknown(nil)
	y.ProtoReflect().SetUnknown(nil)
	return proto.Equal(x, y)
}

func judgeStampMoves(env *Env) Machine {
	return Machine{After: func(a, b *Seen, sink *Sink) {
		what := changed(a.Answer, b.Answer)
		was, is := a.Answer.GetModifiedAt(), b.Answer.GetModifiedAt()
		look := b.Op.LookOf(a)
		if what == "" || look == nil || !was.IsValid() || !is.IsValid() {
			return
		}
		// How long the state before was there to be seen, by one clock.
		span := look.Last.Called - a.Returned
		if span <= time.Duration(b.Op.Precision())+env.Window {
			return
		}
		sink.Exercise(b.Op.ID)
		if was.AsTime().Equal(is.AsTime()) {
			sink.Breach(by(a, look.Last, b), "%s and %s saw one state, so that it lasted %v, and %s sees that %s has changed, while modified_at is %s in all of them; a change after the first of them is a later modification", a.When(), look.Last.When(), span, b.When(), what, stampText(is))
		}
	}}
}

// corruptStampMoves gives an answer the stamp of the state before it.
func corruptStampMoves(t *Tape, draw *rand.Rand) (string, bool) {
	type place struct {
		at    int
		stamp *timestamppb.Timestamp
	}
	var places []place
	first := map[string]*Seen{}
	lasted := map[string]bool{}
	for i := range t.Events {
		s := t.At(i)
		id := operationOf(s)
		if s.Answer == nil || id == "" || s.Answer.GetId() != id || !bothStamps(s) {
			continue
		}
		switch f := first[id]; {
		case f == nil:
			first[id] = s
		case proto.Equal(f.Answer.Operation, s.Answer.Operation):
			lasted[id] = lasted[id] || s.Called-f.Returned > 1100*time.Millisecond
		case lasted[id] && f.Returned < s.Called && changed(f.Answer, s.Answer) != "":
			places = append(places, place{i, f.Answer.GetModifiedAt()})
		}
	}
	if len(places) == 0 {
		return "", false
	}
	p := places[draw.IntN(len(places))]
	return t.At(p.at).When(), t.Edit(p.at, func(m *operation.Operation) { m.ModifiedAt = p.stamp })
}

// alikeButStamp reports whether nothing but modified_at may differ.
func alikeButStamp(a, b *operation.Operation) bool {
	x, y := proto.CloneOf(a), proto.CloneOf(b)
	x.ModifiedAt, y.ModifiedAt = nil, nil
	return proto.Equal(x, y)
}

// tracking is how many reads with stamps of their own make a server suspect of
// stamping its answers.
const tracking = 5

func judgeStampRests(*Env) Machine {
	return Machine{
		After: func(a, b *Seen, sink *Sink) {
			if a.Answer == b.Answer || alikeButStamp(a.Answer.Operation, b.Answer.Operation) {
				sink.Exercise(b.Op.ID)
			}
		},
		Beside: func(a, b *Seen, sink *Sink) {
			was, is := a.Answer.GetModifiedAt(), b.Answer.GetModifiedAt()
			if !was.IsValid() || !is.IsValid() || sameInstant(was, is) || !alikeButStamp(a.Answer.Operation, b.Answer.Operation) {
				return
			}
			sink.Exercise(b.Op.ID)
			if follows(b) {
				sink.Breach(by(a, b), "%s and %s see the same operation, and modified_at has gone from %s to %s; so it did over the last %d reads, always by as much as the time between them: reading is no modification", a.When(), b.When(), stampText(was), stampText(is), tracking)
				return
			}
			sink.Warn(by(a, b), "%s and %s see the same operation, but for modified_at, which is %s and %s", a.When(), b.When(), stampText(was), stampText(is))
		},
	}
}

// follows reports whether the stamps of the latest answers that are like s move
// with the observer's clock.
func follows(s *Seen) bool {
	const slack = time.Second
	var low, high, first time.Duration
	n := 1
	offset := func(e *Seen) time.Duration {
		return e.Answer.GetModifiedAt().AsTime().Sub(s.Answer.GetModifiedAt().AsTime()) - (e.Returned - s.Returned)
	}
	for i := len(s.Op.Looks) - 1; i >= 0 && n < tracking; i-- {
		e := s.Op.Looks[i].First
		if !e.Answer.GetModifiedAt().IsValid() || !alikeButStamp(e.Answer.Operation, s.Answer.Operation) {
			continue
		}
		n++
		low, high, first = min(low, offset(e)), max(high, offset(e)), e.Returned
	}
	// Reads at once prove nothing.
	return n >= tracking && high-low <= slack && s.Returned-first > 2*slack
}

func moved(t *timestamppb.Timestamp, seconds int64) *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: t.GetSeconds() + seconds, Nanos: t.GetNanos()}
}
