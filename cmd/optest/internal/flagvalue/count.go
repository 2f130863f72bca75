package flagvalue

import (
	"fmt"
	"strconv"
)

// Count is a whole number between two bounds, both included.
type Count struct {
	Value, Min, Max int
}

// Set takes decimal digits.
func (c *Count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < c.Min || n > c.Max {
		return fmt.Errorf("want a whole number from %d to %d", c.Min, c.Max)
	}
	c.Value = n
	return nil
}

func (c *Count) String() string { return strconv.Itoa(c.Value) }

// Type is what help calls the value.
func (c *Count) Type() string { return "N" }
