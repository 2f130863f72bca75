package mockserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// keyFor is what the call's idempotency key is looked up by, as quirks have it.
// The key is empty where there is none.
func (c *call) keyFor(m *method, request proto.Message) (keyed, error) {
	k := keyed{method: m.desc}
	var err error
	if k.key, err = idempotencyKey(c.header(canonicalKey)); err != nil {
		if c.quirk(optestv1.QuirkFault_KEY_CRASHES, c.guess) {
			return k, connect.NewError(connect.CodeInternal, "the idempotency key can't be stored")
		}
		return k, err
	}
	if !c.quirky(c.guess) {
		return k, nil
	}
	if k.key == "" {
		if c.quirk(optestv1.QuirkFault_KEY_FROM_REQUEST, c.guess) {
			k.key = digest(request)
		}
		return k, nil
	}
	switch {
	case c.quirk(optestv1.QuirkFault_KEY_IGNORED, c.guess):
		k.key = ""
	case c.quirk(optestv1.QuirkFault_KEY_IS_REQUEST, c.guess):
		k.key = digest(request)
	case c.quirk(optestv1.QuirkFault_KEY_COVERS_REQUEST, c.guess):
		k.key += digest(request)
	case c.quirk(optestv1.QuirkFault_KEY_OF_ALL_METHODS, c.guess):
		k.method = nil
	}
	return k, nil
}

// digest is the same for equal requests, and no UUID.
func digest(request proto.Message) string {
	// What was decoded can be encoded.
	raw, _ := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// burn has the call's key answered with err from now on, where a quirk wants it.
func (s *Server) burn(c *call, m *method, err error) {
	k, keyErr := c.keyFor(m, c.request)
	if keyErr != nil || k.key == "" || !c.quirk(optestv1.QuirkFault_KEY_BURNT, c.guess) {
		return
	}
	store := c.session.store
	store.mu.Lock()
	defer store.mu.Unlock()
	if store.burnt == nil {
		store.burnt = map[keyed]error{}
	}
	if len(store.burnt) < store.limit {
		store.burnt[k] = err
	}
}

// burnt is what the key is answered with if it was used up, or nil.
func (c *call) burnt(k keyed) error {
	if k.key == "" || !c.quirky(c.guess) {
		return nil
	}
	store := c.session.store
	store.mu.RLock()
	defer store.mu.RUnlock()
	err, ok := store.burnt[k]
	if ok {
		c.quirk(optestv1.QuirkFault_KEY_BURNT, c.guess)
	}
	return err
}

// racing is how long a server that does not look and note in one step takes
// between the two.
const racing = 20 * time.Millisecond

// race starts an operation although another call with its key may have done so
// meanwhile. The last of them is noted.
func (s *Server) race(ctx context.Context, c *call, m *method, request proto.Message, k keyed) (*longRunning, blow, error) {
	store := c.session.store
	store.mu.RLock()
	_, known := store.keys[k]
	store.mu.RUnlock()
	if known {
		return s.commit(ctx, c, m, request, k)
	}
	if err := c.session.clock.sleep(ctx, racing, c.server.closing); err != nil {
		return nil, blow{}, err
	}
	op, b, err := s.commit(ctx, c, m, request, keyed{})
	if op != nil {
		store.mu.Lock()
		defer store.mu.Unlock()
		store.keys[k] = op
	}
	return op, b, err
}
