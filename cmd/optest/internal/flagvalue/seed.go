package flagvalue

import (
	"errors"
	"strconv"
)

// Seed is any 64-bit number.
type Seed uint64

// Set takes decimal digits.
func (s *Seed) Set(text string) error {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return errors.New("want a whole number from 0 to 18446744073709551615")
	}
	*s = Seed(n)
	return nil
}

func (s *Seed) String() string { return strconv.FormatUint(uint64(*s), 10) }

// Type is what help calls the value.
func (s *Seed) Type() string { return "N" }
