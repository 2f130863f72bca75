package rules

import (
	"strings"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// sees reports whether the observer sees something of every call.
func (e *Env) sees(s optestv1.TraceHeader_Sight) bool { return trace.Sees(e.Header, s) }

const keyHeader = "idempotency-key"

// methodKey is what a server knows a repeated call by.
type methodKey struct{ method, key string }

func methodKeyOf(s *Seen) (methodKey, bool) {
	key, ok := keyOf(s)
	if isUUID(key) {
		key = strings.ToLower(key)
	}
	return methodKey{s.Event.Method, key}, ok
}

// keyOf is the idempotency key of a call, if it has one that all would agree on.
func keyOf(s *Seen) (key string, ok bool) {
	for value := range s.RequestHeader.Values(keyHeader) {
		if value == "" || ok && value != key {
			return "", false
		}
		key, ok = value, true
	}
	return key, ok
}

// keyless reports whether a call has no idempotency key at all.
func keyless(s *Seen) bool {
	_, has := s.RequestHeader.Get(keyHeader)
	return !has
}

// afresh reports whether a call can't be a repetition of another, as far as can be
// known when it ends: it has no key or, where every call is seen, is the first with
// its operation. A server may look at the key before all else, and tell of what the
// first call with it has started, whatever this one asks for.
func (e *Env) afresh(s *Seen) bool {
	return keyless(s) && e.sees(optestv1.TraceHeader_METADATA) || e.World && s.Op != nil && s.Op.Start == s && s.Op.Request != nil
}

// uuidOf is the key of a call that starts an operation, if it is a UUID. What a
// server makes of other keys is not said.
func uuidOf(s *Seen) (key string, ok bool) {
	if !s.Starts() {
		return "", false
	}
	key, ok = keyOf(s)
	return key, ok && isUUID(key)
}

func isUUID(text string) bool {
	const length = 36
	if len(text) != length {
		return false
	}
	for i, c := range []byte(text) {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
				return false
			}
		}
	}
	return true
}

// keyring remembers calls by their idempotency keys for as long as a server is
// held to remember them.
type keyring struct {
	calls map[string][]*Seen // in the order of their returns
	order []string           // keys in the order of the first call with each
}

// Bounds of a keyring. A server may forget keys, but nobody says when; within a
// minute is too soon for all that keys are good for.
const (
	keyLife     = time.Minute
	maxKeyed    = 1 << 12
	maxKeyCalls = 64
)

// with are the calls with a key that the server is held to remember when s ends.
func (k *keyring) with(s *Seen, key string) []*Seen {
	calls := k.calls[key]
	for len(calls) > 0 && s.Returned-calls[0].Called > keyLife {
		calls = calls[1:]
	}
	return calls
}

func (k *keyring) add(s *Seen, key string) {
	if k.calls == nil {
		k.calls = map[string][]*Seen{}
	}
	for len(k.order) > 0 && (len(k.order) >= maxKeyed || k.expired(s, k.order[0])) {
		delete(k.calls, k.order[0])
		k.order = k.order[1:]
	}
	known, ok := k.calls[key]
	if !ok {
		k.order = append(k.order, key)
	}
	if len(known) < maxKeyCalls {
		k.calls[key] = append(known, s)
	}
}

// expired reports whether the last call with a key was too long ago.
func (k *keyring) expired(now *Seen, key string) bool {
	calls := k.calls[key]
	return now.Returned-calls[len(calls)-1].Called > keyLife
}
