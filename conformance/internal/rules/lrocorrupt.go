package rules

import (
	"math/rand/v2"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/trace"
)

// Corruptions of what answers about one operation say over time.

// editBound is editLater for answers of which the first binds the second.
func editBound(is func(a, b *Seen) bool, change func(b, a *operation.Operation)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		return editLater(func(a, b *Seen) bool { return is(a, b) && t.Env.binds(a, b) }, change)(t, draw)
	}
}

// undone takes the end from an operation.
func undone(m, _ *operation.Operation) { m.Done, m.Result = false, nil }

func bothDone(a, b *Seen) bool { return isDone(a) && isDone(b) }

func bothFailing(a, b *Seen) bool {
	return a.Answer.Rank() == Failing && b.Answer.Rank() == Failing
}

func bothNamed(a, b *Seen) bool {
	return a.Answer.ImageID() != "" && isNewImage(b, false) && b.Answer.ImageID() != ""
}

func anyTwo(_, _ *Seen) bool { return true }

// flip gives the operation the other outcome.
func flip(m, _ *operation.Operation) {
	if m.GetError() != nil {
		if empty, err := anypb.New(&emptypb.Empty{}); err == nil {
			m.Result = &operation.Operation_Response{Response: empty}
		}
		return
	}
	m.Result = &operation.Operation_Error{Error: &status.Status{Code: int32(code.Code_INTERNAL), Message: "corrupted"}}
}

// recode gives the operation's error another code than that of the earlier answer,
// and not CANCELLED.
func recode(m, earlier *operation.Operation) {
	c := code.Code_INTERNAL
	if earlier.GetError().GetCode() == int32(c) {
		c = code.Code_UNAVAILABLE
	}
	m.Result = &operation.Operation_Error{Error: coded(m.GetError(), int32(c))}
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
	image.Id += "x"
	if packed, err := anypb.New(image); err == nil {
		m.Result = &operation.Operation_Response{Response: packed}
	}
}

func moved(t *timestamppb.Timestamp, seconds int64) *timestamppb.Timestamp {
	return &timestamppb.Timestamp{Seconds: t.GetSeconds() + seconds, Nanos: t.GetNanos()}
}

// corruptStampMoves gives an answer the stamp of another state, which was seen to
// last longer than a tick.
func corruptStampMoves(t *Tape, draw *rand.Rand) (string, bool) {
	type state struct {
		answer      *Answer
		first, last *Seen
	}
	type place struct {
		at    int
		stamp *timestamppb.Timestamp
	}
	var places []place
	states := map[string][]*state{}
	for i := range t.Events {
		s := t.At(i)
		id := operationOf(s)
		if s.Answer == nil || id == "" || s.Answer.GetId() != id || !bothStamps(s) {
			continue
		}
		var same *state
		for _, st := range states[id] {
			at := st.answer.GetModifiedAt()
			switch {
			case alike(st.answer, s.Answer):
				same = st
			case st.first.Returned < s.Called && changed(st.answer, s.Answer) != "" && st.last.Called-st.first.Returned >= tick(at)+t.Env.Window:
				places = append(places, place{i, at})
			}
		}
		if same == nil {
			same = &state{answer: s.Answer, first: s}
			states[id] = append(states[id], same)
		}
		same.last = s
	}
	if len(places) == 0 {
		return "", false
	}
	p := places[draw.IntN(len(places))]
	return t.At(p.at).When(), t.Edit(p.at, func(m *operation.Operation) { m.ModifiedAt = p.stamp })
}

// corruptStampRests has one of two answers that say the same, of an operation that
// nobody has cancelled, show another stamp.
func corruptStampRests(t *Tape, draw *rand.Rand) (string, bool) {
	all := cancelledIn(t)
	return editLater(func(a, b *Seen) bool {
		return bothStamps(a) && a.ResponseCodec == b.ResponseCodec && alike(a.Answer, b.Answer) && all[operationOf(b)].first == nil
	}, func(b, a *operation.Operation) { b.ModifiedAt = moved(a.GetModifiedAt(), 7) })(t, draw)
}

// losesRead is the corruption of a Get that found its operation into one that does
// not. Places are those where the function holds: start, found and done are the
// first answers before.
func losesRead(is func(t *Tape, s *Seen, before *lifeOnTape) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		lives := map[string]*lifeOnTape{}
		var places []int
		for i := range t.Events {
			s := t.At(i)
			id := operationOf(s)
			if s.Answer == nil || id == "" {
				continue
			}
			l := lives[id]
			if l == nil {
				l = &lifeOnTape{}
				lives[id] = l
			}
			if s.Is(MethodGet) && l.start != nil && l.start.Returned < s.Called && sameParty(l.start, s) && is(t, s, l) {
				places = append(places, i)
			}
			l.note(s)
		}
		if len(places) == 0 {
			return "", false
		}
		i := places[draw.IntN(len(places))]
		t.loses(i)
		return t.At(i).When(), true
	}
}

// loses has a read not find its operation.
func (t *Tape) loses(i int) {
	t.Fail(i, trace.Failure{Code: code.Code_NOT_FOUND, Message: "Operation not found"})
}

// lifeOnTape are first answers about an operation.
type lifeOnTape struct{ start, found, done *Seen }

func (l *lifeOnTape) note(s *Seen) {
	if s.Starts() && l.start == nil {
		l.start = s
	}
	if !s.Starts() && l.found == nil {
		l.found = s
	}
	if isDone(s) && l.done == nil {
		l.done = s
	}
}

// corruptReadable has the first read of a new operation not find it, or all of them
// where some may.
func corruptReadable(t *Tape, draw *rand.Rand) (string, bool) {
	if !t.Env.Eventual() {
		return losesRead(func(_ *Tape, s *Seen, l *lifeOnTape) bool {
			return (l.found == nil || l.found.Returned >= s.Called) && (l.done == nil || l.done.Returned >= s.Called)
		})(t, draw)
	}
	reads := map[string][]int{}
	lives := map[string]*lifeOnTape{}
	for _, i := range t.Where(func(s *Seen) bool { return s.Answer != nil && operationOf(s) != "" }) {
		s := t.At(i)
		id := operationOf(s)
		if lives[id] == nil {
			lives[id] = &lifeOnTape{}
		}
		lives[id].note(s)
		if !s.Starts() {
			reads[id] = append(reads[id], i)
		}
	}
	i, ok := t.Pick(draw, func(s *Seen) bool {
		id := operationOf(s)
		l := lives[id]
		if s.Answer == nil || l == nil || l.start == nil || isDone(l.start) || !s.Is(MethodGet) || s.Called-l.start.Returned <= t.Env.Window {
			return false
		}
		gets := 0
		for _, n := range reads[id] {
			r := t.At(n)
			if !r.Is(MethodGet) || r.Called <= l.start.Returned || !sameParty(l.start, r) {
				return false
			}
			if r.Returned <= s.Returned {
				gets++
			}
		}
		return gets > patience
	})
	if !ok {
		return "", false
	}
	for _, n := range reads[operationOf(t.At(i))] {
		t.loses(n)
	}
	return t.At(i).When(), true
}

var corruptStillReadable = losesRead(func(t *Tape, s *Seen, l *lifeOnTape) bool { return t.Env.binds(l.done, s) })

// corruptBehindStart lets a read fall behind the answer of the creating call.
func corruptBehindStart(t *Tape, draw *rand.Rand) (string, bool) {
	starts := map[string]*Seen{}
	for _, i := range t.Where(func(s *Seen) bool { return s.Starts() && s.Answer != nil }) {
		if s := t.At(i); starts[s.Answer.GetId()] == nil {
			starts[s.Answer.GetId()] = s
		}
	}
	return edit(func(s *Seen) bool {
		start := starts[operationOf(s)]
		return start != nil && start.Answer.Rank() > Pending && t.Env.binds(start, s)
	}, func(m *operation.Operation) { undone(m, nil) })(t, draw)
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
		for _, j := range t.Where(func(s *Seen) bool { return s.Answer != nil && operationOf(s) == id && isDone(s) }) {
			if !t.Edit(j, func(m *operation.Operation) { undone(m, nil) }) {
				return "", false
			}
		}
		t.Add(*t.Events[i])
		added := t.Events[len(t.Events)-1]
		added.Called += t.Env.Bound + time.Second
		added.Returned += t.Env.Bound + time.Second
		return t.At(i).When(), true
	}
}
