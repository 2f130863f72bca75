package terminal

import "io"

// Progress shows one line that changes. It is for one goroutine.
type Progress struct {
	out  Output
	open bool // a line is shown that has no end yet
}

// NewProgress writes to out.
func NewProgress(out Output) *Progress { return &Progress{out: out} }

// Update replaces the line where that can be done and otherwise adds one. Text
// is plain; a style holds for the whole line, "" for none.
func (p *Progress) Update(s Style, text string) error {
	if !p.out.Live {
		return p.write(p.out.Paint(s, text) + "\n")
	}
	// A line of the full width would leave the cursor on the next one.
	text = Cut(text, p.out.Width()-1)
	p.open = true
	return p.write("\r\x1b[K" + p.out.Paint(s, text))
}

// Keep ends the line as it is, so that what comes next stands below it.
func (p *Progress) Keep() error {
	if !p.open {
		return nil
	}
	p.open = false
	return p.write("\n")
}

func (p *Progress) write(text string) error {
	_, err := io.WriteString(p.out, text)
	return err
}
