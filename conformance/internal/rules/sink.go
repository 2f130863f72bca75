package rules

import (
	"fmt"

	"github.com/optest-dev/optest/trace"
)

// Sink takes what a rule's machine finds.
type Sink struct {
	rule      *Rule
	place     int // of the rule among the checker's
	exercised map[string]struct{}
	more      bool // keys than are kept
	findings  []Finding
	errors    int
	warnings  int
	unsure    int
}

// Bounds of what is kept of a rule.
const (
	maxKeys     = 1024
	maxFindings = 20
)

// Finding is a breach of a rule, or what might be one.
type Finding struct {
	Kind Kind
	// Text says in a paragraph what was seen and why no conforming server could do
	// that.
	Text string
	// Evidence are the one to three events that show it.
	Evidence []*trace.Event
}

// Kind is how much a finding weighs.
type Kind int

const (
	// Unsure: time has run out before it was clear.
	Unsure Kind = iota
	Warning
	Error
)

// Exercise counts an instance of what the rule is about, such as an operation
// with two reads after it was done, by a key that tells instances apart.
func (s *Sink) Exercise(key string) {
	if _, ok := s.exercised[key]; ok {
		return
	}
	if len(s.exercised) >= maxKeys {
		s.more = true
		return
	}
	s.exercised[key] = struct{}{}
}

// exercise is Exercise with an operation for a key, which costs little when it was
// counted before.
func (s *Sink) exercise(op *Op) {
	word, bit := s.place/64, uint64(1)<<(s.place%64)
	if word < len(op.exercised) {
		if op.exercised[word]&bit != 0 {
			return
		}
		op.exercised[word] |= bit
	}
	s.Exercise(op.ID)
}

// Breach reports a breach, as an error or, if the rule is one that warns, as a
// warning.
func (s *Sink) Breach(evidence []*Seen, format string, args ...any) {
	kind := Error
	if s.rule.Warns() {
		kind = Warning
	}
	s.find(kind, evidence, format, args)
}

// breachOf is Breach of what follows from the request that the operation was
// started for, and no more than a warning where that may have been another one.
func (s *Sink) breachOf(op *Op, evidence []*Seen, format string, args ...any) {
	if op.Doubtful {
		s.Warn(evidence, format+"; a call that was not seen may have used the idempotency key before, for something else", args...)
		return
	}
	s.Breach(evidence, format, args...)
}

// Warn reports what is odd but no breach for sure.
func (s *Sink) Warn(evidence []*Seen, format string, args ...any) {
	s.find(Warning, evidence, format, args)
}

// Unsure reports that time has run out.
func (s *Sink) Unsure(evidence []*Seen, format string, args ...any) {
	s.find(Unsure, evidence, format, args)
}

func (s *Sink) find(kind Kind, evidence []*Seen, format string, args []any) {
	switch kind {
	case Error:
		s.errors++
	case Warning:
		s.warnings++
	default:
		s.unsure++
	}
	if len(s.findings) >= maxFindings {
		return
	}
	f := Finding{Kind: kind, Text: fmt.Sprintf(format, args...)}
	for _, e := range evidence {
		f.Evidence = append(f.Evidence, e.Event)
	}
	s.findings = append(s.findings, f)
}

// by is evidence.
func by(seen ...*Seen) []*Seen { return seen }
