package catalogue_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/fixtures"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const ends = "timeline: [{at: 0s, succeed: {}}]\n"

func TestBuiltIn(t *testing.T) {
	c, err := catalogue.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Names(), fixtures.Names()) || len(c.User()) != 0 {
		t.Errorf("names %q, want those of the fixtures", c.Names())
	}
	for _, name := range c.Names() {
		source, err := c.Source(name)
		if err != nil || !strings.Contains(string(source), "name: "+name+"\n") || !c.BuiltIn(name) {
			t.Errorf("%s: source %q, error %v", name, source, err)
		}
	}
}

func TestUserFirst(t *testing.T) {
	c, err := catalogue.Open([]string{write(t, "a.yaml", "name: never-done\n"+ends), write(t, "b.yaml", "name: mine\n"+ends)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Find("never-done")
	if err != nil || s.GetNeverDone() {
		t.Errorf("%v, error %v, want the user's", s, err)
	}
	if c.BuiltIn("never-done") || c.BuiltIn("mine") || !c.BuiltIn("instant") {
		t.Error("what is built in and what is not is mixed up")
	}
	if names := c.Names(); !slices.IsSorted(names) || len(names) != len(fixtures.Names())+1 || !slices.Contains(names, "mine") {
		t.Errorf("names %q, want each once, sorted, with mine", names)
	}
	if len(c.User()) != 2 {
		t.Errorf("%d scenarios of the user's, want 2", len(c.User()))
	}
}

func TestUnknown(t *testing.T) {
	c, err := catalogue.Open([]string{write(t, "a.yaml", "name: my-own-life\n"+ends)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"my-own-lif":  `no scenario "my-own-lif", did you mean my-own-life?`,
		"early-eror":  `no scenario "early-eror", did you mean early-error?`,
		"xyzzy-xyzzy": `no scenario "xyzzy-xyzzy", want a name from optest scenarios list`,
	} {
		_, err := c.Find(name)
		if err == nil || err.Error() != want || exit.Of(err) != exit.Usage {
			t.Errorf("%q, want %q, of usage", err, want)
		}
		if _, err := c.Source(name); err == nil {
			t.Errorf("a source for %s", name)
		}
	}
}

func TestSource(t *testing.T) {
	const (
		first  = "# about the first\nname: first\n" + ends
		second = "name: second # its name\nsummary: \"a --- b\"\n" + ends
		third  = "name: third\n" + ends
	)
	path := write(t, "several.yaml", "---\n"+first+"---\n\n"+second+"--- # and then\n"+third+"...\n")
	c, err := catalogue.Open([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"first": first, "second": second, "third": "# and then\n" + third + "...\n"} {
		got, err := c.Source(name)
		if err != nil || string(got) != want {
			t.Errorf("%s: %q, want %q: %v", name, got, want, err)
		}
	}

	// Alone in a file, it is the file.
	alone := write(t, "alone.yaml", "# head\n---\n"+third)
	if c, err = catalogue.Open([]string{alone}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Source("third"); err != nil || string(got) != "# head\n---\n"+third {
		t.Errorf("%q, want the whole file: %v", got, err)
	}

	// What has changed since is not guessed at.
	if err := os.WriteFile(alone, []byte("name: other\n"+ends), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Source("third"); err == nil {
		t.Errorf("%q, want an error", got)
	}
}
