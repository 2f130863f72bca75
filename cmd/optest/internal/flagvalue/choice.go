package flagvalue

import (
	"errors"
	"slices"

	"github.com/optest-dev/optest/cmd/optest/internal/suggest"
)

// Choice is one of a few words.
type Choice struct {
	Value   string
	Allowed []string
}

// Set takes one of the allowed words.
func (c *Choice) Set(text string) error {
	if !slices.Contains(c.Allowed, text) {
		return errors.New("want " + suggest.Or(c.Allowed))
	}
	c.Value = text
	return nil
}

func (c *Choice) String() string { return c.Value }

// Type is what help calls the value.
func (c *Choice) Type() string {
	var text string
	for i, word := range c.Allowed {
		if i > 0 {
			text += "|"
		}
		text += word
	}
	return text
}
