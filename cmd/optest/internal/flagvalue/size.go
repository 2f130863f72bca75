package flagvalue

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes from 1 to Max.
type Size struct {
	Bytes, Max int
}

var units = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// Set takes bytes such as 65536, or 64KiB, 4MiB and 1GiB.
func (s *Size) Set(text string) error {
	digits, scale := text, 1
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			digits, scale = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n < 1 || int(n) > s.Max/scale {
		return fmt.Errorf("want a size from 1 byte to %s such as 64KiB", (&Size{Bytes: s.Max}).String())
	}
	s.Bytes = int(n) * scale
	return nil
}

func (s *Size) String() string {
	for _, u := range units {
		if s.Bytes >= u.bytes && s.Bytes%u.bytes == 0 && u.bytes > 1 {
			return strconv.Itoa(s.Bytes/u.bytes) + u.name
		}
	}
	return strconv.Itoa(s.Bytes)
}

// Type is what help calls the value.
func (s *Size) Type() string { return "SIZE" }
