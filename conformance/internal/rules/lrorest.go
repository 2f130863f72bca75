package rules

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// tracking is how many reads whose own time is in their answers show that the
// server stamps answers, and not changes.
const tracking = 5

// rest is what was seen of modified_at while nothing else changed.
type rest struct {
	told, failed bool
	reads        int // whose own time was in their answers
}

// judgeStampRests looks for operations whose modified_at moves while nothing else
// does. Something hidden may have changed, such as the time of a heartbeat or a
// Cancel that was noted, unless the stamps are those of the reads themselves.
func judgeStampRests(env *Env) Machine {
	known := map[*Op]*rest{}
	var waiting held
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			if !about(s) || !s.Answer.GetModifiedAt().IsValid() {
				return
			}
			op := s.Op
			if s.look.Count > 0 {
				if s.look.Count == 1 {
					sink.exercise(op)
				}
				return
			}
			earlier := op.latestAlike(s)
			if earlier == nil {
				return
			}
			sink.exercise(op)
			if sameInstant(earlier.First.Answer.GetModifiedAt(), s.Answer.GetModifiedAt()) {
				return
			}
			r := known[op]
			if r == nil {
				r = &rest{}
				known[op] = r
			}
			a, own := earlier.Last, env.ownTime(earlier.Last, s)
			waiting.hold(s, func(sink *Sink) { r.judge(a, s, own, sink) })
		},
		Leave: func(op *Op, _ *Sink) { delete(known, op) },
		End:   waiting.end,
	}
}

func (r *rest) judge(a, s *Seen, own bool, sink *Sink) {
	if r.failed || s.Op.cancelledBetween(a, s) {
		return
	}
	was, is := stampText(a.Answer.GetModifiedAt()), stampText(s.Answer.GetModifiedAt())
	if own {
		r.reads++
	}
	switch {
	case r.reads >= tracking:
		r.failed = true
		sink.Breach(by(a, s), "%s and %s see the same operation, and modified_at has gone from %s to %s; so far the answers of %d calls had the time of the call itself for it: reading is no modification", a.When(), s.When(), was, is, r.reads)
	case !r.told:
		r.told = true
		sink.Warn(by(a, s), "%s and %s see the same operation, but for modified_at, which is %s and %s", a.When(), s.When(), was, is)
	}
}

// cancelledBetween reports whether a Cancel may have been noted between two
// answers, or was what one of them answered.
func (op *Op) cancelledBetween(a, s *Seen) bool {
	if cancels(a) || cancels(s) || len(op.Cancels) >= maxCancels {
		return true
	}
	for _, c := range op.Cancels {
		if c.Called < s.Returned && a.Called < c.Returned {
			return true
		}
	}
	return false
}

// ownTime reports whether modified_at of the call's answer is a moment of the call
// itself, by the server's clock: which of them that is, created_at in the answer of
// the call that has started the operation tells. Calls that take long, next to the
// time since the read before, prove nothing.
func (e *Env) ownTime(before, s *Seen) bool {
	start := s.Op.Start
	if start == nil || !start.Answer.GetCreatedAt().IsValid() || !e.Timed(start.Called, s.Returned) {
		return false
	}
	const slack = time.Millisecond
	created, modified := start.Answer.GetCreatedAt(), s.Answer.GetModifiedAt()
	unit := time.Duration(max(precision(created), precision(modified))) + slack
	width := s.Returned - s.Called + start.Returned - start.Called + 2*unit
	if s.Called-before.Returned < 4*width {
		return false
	}
	age := modified.AsTime().Sub(created.AsTime())
	return age >= s.Called-start.Returned-unit && age <= s.Returned-start.Called+unit
}

// latestAlike is the latest look that says what the answer says in its encoding, but
// for modified_at. Answers in binary and in JSON are never compared: a server that is
// newer may say more in one than we can read of the other.
func (op *Op) latestAlike(s *Seen) *Look {
	var content uint64
	for i := len(op.Looks) - 1; i >= 0; i-- {
		l := op.Looks[i]
		if l.sample[encoding(s)] == nil || l.First.Answer.Outcome() != s.Answer.Outcome() || changed(l.First.Answer, s.Answer) != "" {
			continue
		}
		if content == 0 {
			content = contentHash(s)
		}
		if l.contentHash(encoding(s)) == content {
			return l
		}
	}
	return nil
}

func (l *Look) contentHash(encoding int) uint64 {
	if l.content[encoding] == 0 {
		l.content[encoding] = contentHash(l.sample[encoding])
	}
	return l.content[encoding]
}

var contentSeed = maphash.MakeSeed()

// contentHash is a hash of all that the answer says but modified_at. It is never 0.
func contentHash(s *Seen) uint64 {
	raw := binaryContent
	if encoding(s) == 1 {
		raw = jsonContent
	}
	return maphash.Bytes(contentSeed, raw(s)) | 1
}

// binaryContent is the operation without modified_at, with entries of maps in order.
func binaryContent(s *Seen) []byte {
	m := proto.CloneOf(s.Answer.Operation)
	m.ModifiedAt = nil
	inOrder := func(any *anypb.Any, in proto.Message) {
		if any == nil || in == nil {
			return
		}
		if value, err := (proto.MarshalOptions{Deterministic: true}).Marshal(in); err == nil {
			any.Value = value
		}
	}
	inOrder(m.GetMetadata(), s.Answer.Meta)
	inOrder(m.GetResponse(), s.Answer.Result)
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil
	}
	return raw
}

// jsonContent is the answer's JSON without modified_at, with members in order.
func jsonContent(s *Seen) []byte {
	d := json.NewDecoder(bytes.NewReader(s.Event.Response.Bytes()))
	d.UseNumber()
	var members map[string]any
	if d.Decode(&members) != nil {
		return binaryContent(s)
	}
	delete(members, "modifiedAt")
	delete(members, "modified_at")
	raw, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return raw
}
