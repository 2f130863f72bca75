package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// requestKey is the same for calls that ask for the same, over whatever protocol.
func requestKey(s *Seen) (key string, ok bool) {
	if s.Request == nil || s.Method == nil || !spoken(s) {
		return "", false
	}
	const longest = 1 << 16
	raw := []byte(s.Event.Method)
	_, known := s.RequestHeader.Get("authorization")
	if known {
		raw = append(raw, '+')
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(append(raw, 0), s.Request)
	if err != nil || len(raw) > longest {
		return "", false
	}
	sum := sha256.Sum256(raw)
	return string(sum[:16]), true
}

// usual reports whether a request in JSON has the form that ProtoJSON writes, and
// one over REST the method's own route. Another, such as one with names of fields
// as the proto has them, a server may refuse for its form.
func usual(s *Seen) bool {
	if s.Request == nil {
		return false
	}
	body := []byte(nil)
	if s.Event.Request != nil {
		body = s.Event.Request.Bytes()
	}
	var want []byte
	switch {
	case s.Protocol == optestv1.Event_REST:
		verb, target, encoded, err := httprule.Encode(s.Method.Desc, s.Request)
		if err != nil || verb+" "+target != s.HTTPRequest {
			return false
		}
		want = encoded
	case s.RequestCodec == optestv1.Event_JSON:
		encoded, err := protojson.Marshal(s.Request)
		if err != nil {
			return false
		}
		want = encoded
	default:
		return s.RequestCodec == optestv1.Event_PROTO
	}
	if len(bytes.TrimSpace(body)) == 0 || len(want) == 0 {
		return len(bytes.TrimSpace(body)) == len(want)
	}
	var a, b any
	return json.Unmarshal(body, &a) == nil && json.Unmarshal(want, &b) == nil && reflect.DeepEqual(a, b)
}

// maxRefusals bounds the requests that are remembered; the oldest are forgotten.
const maxRefusals = 1024

// refusals are the first calls with each request over each dialect.
type refusals struct {
	of    map[string][]*Seen
	order []string
}

func newRefusals() *refusals { return &refusals{of: map[string][]*Seen{}} }

// pair calls the function with each earlier call that asked for the same over
// another dialect, and remembers this one.
func (r *refusals) pair(s *Seen, each func(other *Seen)) {
	key, ok := requestKey(s)
	if !ok {
		return
	}
	known, ok := r.of[key]
	if !ok {
		if len(r.order) == maxRefusals {
			delete(r.of, r.order[0])
			r.order = slices.Delete(r.order, 0, 1)
		}
		r.order = append(r.order, key)
	}
	fresh := true
	for _, other := range known {
		if dialect(other) == dialect(s) {
			fresh = false
			continue
		}
		if usual(s) && usual(other) {
			each(other)
		}
	}
	if fresh {
		r.of[key] = append(known, s)
	}
}

// judgeRefusals compares how equal requests were refused.
func judgeRefusals(*Env) Machine {
	seen := newRefusals()
	return Machine{Call: func(s *Seen, sink *Sink) {
		// What a read shows depends on more than the request, and a key may be refused
		// for what it was used for before.
		if !keyless(s) || pagesOn(s) || s.Answer != nil && !s.Starts() || !speaks(s) {
			return
		}
		seen.pair(s, func(other *Seen) { compareRefusals(other, s, sink) })
	}}
}

// pagesOn reports whether a call asks for a next page: what asks for it may be good
// for a while only.
func pagesOn(s *Seen) bool {
	r, ok := s.Request.(interface{ GetPageToken() string })
	return ok && r.GetPageToken() != ""
}

func compareRefusals(a, b *Seen, sink *Sink) {
	const last = code.Code_UNAUTHENTICATED // what is beyond is another rule's
	if !refused(a) && !refused(b) || a.Code() > last || b.Code() > last {
		return
	}
	sink.Exercise(string(b.Method.Desc.Name()) + " " + dialect(a) + " " + dialect(b))
	if ending(a) != ending(b) {
		sink.Breach(by(a, b), "%s over %s ended with %s, and %s over %s, which asks for the same, with %s; INVALID_ARGUMENT is about the request alone, and the request is the same", a.When(), dialect(a), ending(a), b.When(), dialect(b), ending(b))
		return
	}
	one, detailed := violated(a)
	other, alsoDetailed := violated(b)
	switch {
	case detailed != alsoDetailed:
		with, lacking := a, b
		if alsoDetailed {
			with, lacking = b, a
		}
		sink.Warn(by(a, b), "%s over %s names the fields that are wrong, and %s over %s, which asks for the same, does not", with.When(), dialect(with), lacking.When(), dialect(lacking))
	case detailed && len(one) > 0 && len(other) > 0 && !slices.ContainsFunc(one, func(path string) bool {
		return slices.ContainsFunc(other, func(p string) bool { return topOf(p) == topOf(path) })
	}):
		sink.Breach(by(a, b), "%s over %s is refused for the field %s, and %s over %s, which asks for the same, for %s", a.When(), dialect(a), shortened(one[0]), b.When(), dialect(b), shortened(other[0]))
	}
}

// topOf is the field that a path begins with, in whichever spelling.
func topOf(path string) string {
	path, _, _ = strings.Cut(path, "[")
	path, _, _ = strings.Cut(path, ".")
	return plainName(path)
}
