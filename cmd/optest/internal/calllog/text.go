package calllog

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
)

// Text is one readable line a call, in columns as far as they go:
//
//	10:42:07.123 grpc     DesktopImage.CopyFromDesktop opr0… OK  early-error created  312µs
//
// A server whose clock is not real time adds its age after the time of day.
func Text(out terminal.Output) Format { return text{out} }

type text struct{ out terminal.Output }

// methodWidth holds the longest common name, DesktopImage.CopyFromDesktop.
const methodWidth = 28

func (f text) line(e entry) []byte {
	var b strings.Builder
	b.WriteString(f.out.Paint(terminal.Dim, e.at.Format("15:04:05.000")))
	if e.virtual {
		fmt.Fprintf(&b, " +%-9v", e.age.Round(time.Second))
	}
	fmt.Fprintf(&b, " %-8s %-*s %-20s", clean(e.Protocol), methodWidth, clean(shortMethod(e.Method)), dash(clean(e.Operation)))
	style := terminal.Green
	if e.Code != codes.OK {
		style = terminal.Red
	}
	b.WriteString(" " + f.out.Paint(style, codeName(e.Code)))
	if e.Scenario != "" {
		b.WriteString("  " + strings.TrimSpace(clean(e.Scenario)+" "+clean(e.Step)))
	}
	if len(e.Faults) > 0 {
		b.WriteString("  " + f.out.Paint(terminal.Yellow, "fault "+clean(strings.Join(e.FaultNames(), ", "))))
	}
	b.WriteString("  " + f.out.Paint(terminal.Dim, short(e.took).String()))
	if e.Message != "" {
		b.WriteString("  " + clean(e.Message))
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// short rounds a duration to three digits or so.
func short(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Microsecond)
}
