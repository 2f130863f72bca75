package terminal_test

import (
	"os"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
)

func TestNewOutsideTerminals(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	defer writer.Close()
	none := func(string) string { return "" }
	for name, out := range map[string]terminal.Output{
		"pipe":   terminal.New(writer, none),
		"memory": terminal.New(new(strings.Builder), none),
	} {
		if out.Colour || out.Live || out.ASCII || out.Width() != 0 {
			t.Errorf("%s: colour %v, live %v, ASCII %v, width %d, want none of it", name, out.Colour, out.Live, out.ASCII, out.Width())
		}
	}
}

func TestPaint(t *testing.T) {
	if got := (terminal.Output{}).Paint(terminal.Red, "a"); got != "a" {
		t.Errorf("%q, want it plain", got)
	}
	out := terminal.Output{Colour: true}
	if got := out.Paint(terminal.Red, "a"); got != "\x1b[31ma\x1b[0m" {
		t.Errorf("%q, want it red", got)
	}
	if got := out.Paint("", "a") + out.Paint(terminal.Red, ""); got != "a" {
		t.Errorf("%q, want no sequences around nothing or without a style", got)
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text  string
		width int
		want  string
	}{
		{"abcdef", 0, "abcdef"},
		{"abcdef", -1, "abcdef"},
		{"abcdef", 6, "abcdef"},
		{"abcdef", 5, "abcd…"},
		{"abc def", 5, "abc…"},
		{"äöüß", 3, "äö…"},
		{"abcdef", 1, "…"},
		{"", 1, ""},
	} {
		if got := terminal.Cut(tt.text, tt.width); got != tt.want {
			t.Errorf("%q to %d: %q, want %q", tt.text, tt.width, got, tt.want)
		}
	}
}

func TestPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		plain := terminal.Plain(text)
		for _, r := range plain {
			if !unicode.IsPrint(r) && r != unicode.ReplacementChar {
				t.Fatalf("%q became %q, want no %U", text, plain, r)
			}
		}
		if again := terminal.Plain(plain); again != plain {
			t.Fatalf("%q became %q, want plain text to stay", plain, again)
		}
	})
}

func TestProgress(t *testing.T) {
	play := func(out terminal.Output) error {
		p := terminal.NewProgress(out)
		for _, text := range []string{"one", "two"} {
			if err := p.Update(terminal.Green, text); err != nil {
				return err
			}
		}
		if err := p.Keep(); err != nil {
			return err
		}
		return p.Keep()
	}
	var piped, live strings.Builder
	if err := play(terminal.Output{Writer: &piped}); err != nil {
		t.Fatal(err)
	}
	if want := "one\ntwo\n"; piped.String() != want {
		t.Errorf("piped %q, want %q", piped.String(), want)
	}
	if err := play(terminal.Output{Writer: &live, Live: true}); err != nil {
		t.Fatal(err)
	}
	if want := "\r\x1b[Kone\r\x1b[Ktwo\n"; live.String() != want {
		t.Errorf("live %q, want %q", live.String(), want)
	}
}
