// Package terminal says what an output can show and writes for it.
package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Output is where something is written and what it can show.
type Output struct {
	io.Writer
	// Colour reports that colours are wanted: a terminal, and neither NO_COLOR nor
	// TERM=dumb says otherwise.
	Colour bool
	// Live reports that a line may be written over: as Colour, and not in CI,
	// where a terminal is often only played.
	Live bool
	// ASCII reports that no more than that can be shown: a terminal whose locale
	// is not UTF-8. What is not a terminal takes UTF-8.
	ASCII bool
	file  *os.File // nil unless a terminal
}

// New looks at w and, with getenv, at the environment.
func New(w io.Writer, getenv func(string) string) Output {
	out := Output{Writer: w}
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return out
	}
	out.file = file
	out.Colour = getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
	out.Live = out.Colour && getenv("CI") == ""
	out.ASCII = !utf8(getenv)
	return out
}

// Width is the number of columns of a terminal, 0 where lines have no end.
func (o Output) Width() int {
	if o.file == nil {
		return 0
	}
	width, _, err := term.GetSize(int(o.file.Fd()))
	if err != nil || width < 1 {
		return 80
	}
	return width
}
