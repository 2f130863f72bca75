package rules

import (
	"hash/maphash"

	"google.golang.org/protobuf/proto"
)

// creates reports whether the method makes an image.
func creates(s *Seen) bool { return s.Is(MethodCreate) || s.Is(MethodCopy) }

// sieve tells requests that were accepted before, whatever they were encoded as.
type sieve struct {
	seed maphash.Seed
	ids  map[uint64]string // operations by requests
}

func newSieve() *sieve { return &sieve{seed: maphash.MakeSeed(), ids: map[uint64]string{}} }

// known is an operation that the same request has started, empty without one.
func (f *sieve) known(s *Seen) string {
	if s.Request == nil || len(f.ids) == 0 {
		return ""
	}
	h, ok := f.hash(s)
	if !ok {
		return ""
	}
	return f.ids[h]
}

// pass is known, and remembers the operation that this call was answered with if
// it is the first.
func (f *sieve) pass(s *Seen) string {
	if s.Request == nil {
		return ""
	}
	h, ok := f.hash(s)
	if !ok {
		return ""
	}
	id, ok := f.ids[h]
	if ok {
		return id
	}
	const most = 1 << 12
	if len(f.ids) >= most {
		clear(f.ids)
	}
	f.ids[h] = s.Answer.GetId()
	return ""
}

func (f *sieve) hash(s *Seen) (uint64, bool) {
	data, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend([]byte(s.Event.Method), s.Request)
	return maphash.Bytes(f.seed, data), err == nil
}
