package flagvalue

import (
	"fmt"
	"time"
)

// Span is a duration from 0 to Max.
type Span struct {
	Value, Max time.Duration
}

// Set takes a duration with units.
func (s *Span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > s.Max {
		return fmt.Errorf("want a duration from 0s to %v such as 10s", s.Max)
	}
	s.Value = d
	return nil
}

func (s *Span) String() string { return s.Value.String() }

// Type is what help calls the value.
func (s *Span) Type() string { return "DURATION" }
