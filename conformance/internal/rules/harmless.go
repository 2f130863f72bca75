package rules

import (
	"net/http"
	"strings"
)

// harmlessCall is a call over REST that must not cancel the operation: a plain read,
// or another at the path of Cancel with a verb that has no effect.
type harmlessCall struct {
	seen    *Seen
	kind    harmlessKind
	counted bool // a later answer has shown what it has done
}

// noteHarmless keeps the latest call of each kind.
func (op *Op) noteHarmless(s *Seen) {
	kind := kindOf(s)
	for i := range op.harmless {
		if h := &op.harmless[i]; h.kind == kind {
			h.seen = s
			return
		}
	}
	if len(op.harmless) < maxHarmless {
		op.harmless = append(op.harmless, harmlessCall{seen: s, kind: kind})
	}
}

// harmlessKind tells calls of one verb, at the path of Cancel or not, announced as a
// prefetch or not.
type harmlessKind struct {
	verb             string
	cancel, prefetch bool
}

func kindOf(s *Seen) harmlessKind {
	verb, _, _ := strings.Cut(s.HTTPRequest, " ")
	return harmlessKind{verb, s.Is(MethodCancel), prefetched(s)}
}

// prefetched reports whether a request says that nobody has asked for it yet.
func prefetched(s *Seen) bool {
	for _, f := range s.RequestHeader {
		switch f.Name {
		case "purpose", "sec-purpose", "x-purpose", "x-moz":
			return true
		}
	}
	return false
}

// odd reports whether the kind is no plain read.
func (k harmlessKind) odd() bool { return k.cancel || k.prefetch || k.verb != http.MethodGet }

func (k harmlessKind) String() string {
	text := short(k.verb)
	if k.cancel {
		text += " :cancel"
	}
	if k.prefetch {
		text += " prefetch"
	}
	return text
}

// suspect is the harmless call that may have cancelled the operation before s
// returned: the latest one that is out of the ordinary or, without one, the latest
// plain read, if need be s itself. It is nil without any.
func (op *Op) suspect(s *Seen) (found *Seen, odd bool) {
	consider := func(h *Seen, isOdd bool) {
		if found == nil || isOdd && !odd || isOdd == odd && h.Returned > found.Returned {
			found, odd = h, isOdd
		}
	}
	for _, h := range op.harmless {
		if h.seen.Called < s.Returned {
			consider(h.seen, h.kind.odd())
		}
	}
	if harmless(s) {
		consider(s, kindOf(s).odd())
	}
	return found, odd
}
