package rules

import "google.golang.org/protobuf/proto"

// lostStarts are requests of calls that start operations and whose outcome nobody
// knows, or whose answer was not seen, by their idempotency keys: a later call with
// the key may be answered with the operation that the lost one has started.
type lostStarts struct{ requests map[methodKey]proto.Message }

// maxLost bounds them. Beyond it, all are forgotten.
const maxLost = 1 << 12

// get is what was asked for by a lost call with the key of this one.
func (l *lostStarts) get(s *Seen) (proto.Message, bool) {
	if len(l.requests) == 0 {
		return nil, false
	}
	k, ok := methodKeyOf(s)
	if !ok {
		return nil, false
	}
	request, ok := l.requests[k]
	return request, ok
}

func (l *lostStarts) note(s *Seen) {
	if !s.Starts() || s.Answer != nil || turnedAway(s) {
		return
	}
	k, ok := methodKeyOf(s)
	if !ok {
		return
	}
	if l.requests == nil || len(l.requests) >= maxLost {
		l.requests = map[methodKey]proto.Message{}
	}
	if earlier, ok := l.requests[k]; ok && !proto.Equal(earlier, s.Request) {
		l.requests[k] = nil // equal to none
		return
	}
	l.requests[k] = s.Request
}
