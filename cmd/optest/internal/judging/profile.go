package judging

import (
	"errors"
	"strings"
	"time"
)

// Profile is what reads may miss.
type Profile struct {
	set    bool
	window time.Duration
}

const usualWindow = 5 * time.Second

// Set takes strong, eventual or eventual=DURATION.
func (p *Profile) Set(text string) error {
	name, span, windowed := strings.Cut(text, "=")
	window := time.Duration(0)
	switch {
	case name == "strong" && !windowed:
	case name == "eventual" && !windowed:
		window = usualWindow
	case name == "eventual":
		d, err := time.ParseDuration(span)
		if err != nil || d <= 0 || d > time.Hour {
			return errors.New("want eventual=DURATION of more than 0s and at most 1h, such as eventual=5s")
		}
		window = d
	default:
		return errors.New("want strong, eventual or eventual=5s")
	}
	*p = Profile{true, window}
	return nil
}

func (p *Profile) String() string {
	switch {
	case !p.set:
		return ""
	case p.window == 0:
		return "strong"
	}
	return "eventual=" + p.window.String()
}

// Type is what help calls the value.
func (p *Profile) Type() string { return "strong|eventual[=DURATION]" }
