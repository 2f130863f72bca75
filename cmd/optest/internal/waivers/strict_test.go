package waivers_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/optest-dev/optest/cmd/optest/internal/waivers"
	"github.com/optest-dev/optest/conformance"
)

// Everything that is wrong is told at once, each where it is.
func TestMistakesHaveTheirPlaces(t *testing.T) {
	const file = `# known failures
waivers:
  - rule: LRO-8
    reason: ""
    until: 2027-02-30
    raeson: typed wrong
  - reason: no rule
    until: 2027-01-31
    until: 2028-01-31
  - rule: LRO-08
    target: "["
    reason: [a, b]
    until: tomorrow
    link:
  - just text
  - rule: OP-08
    reason: one
    until: 2027-01-31
  - rule: OP-08
    reason: another
    until: 2027-01-31
wavers: []
`
	const want = `w.yaml:3:11: there is no rule "LRO-8", did you mean LRO-08 or LRO-18?
w.yaml:4:13: reason is empty, want why the failure is accepted
w.yaml:5:12: until "2027-02-30", want the last day such as 2027-01-31
w.yaml:6:5: unknown field "raeson", did you mean reason?
w.yaml:7:5: a waiver without rule, want it: an exception has a reason and an end
w.yaml:9:5: until is there twice, first in line 8, want it once
w.yaml:11:13: target "[" is no pattern, want one such as *.example.com*
w.yaml:12:13: reason is no text but a list
w.yaml:13:12: until "tomorrow", want the last day such as 2027-01-31
w.yaml:14:10: link is no text but nothing
w.yaml:15:5: the text "just text", want a mapping of rule, target, reason, until, link
w.yaml:19:5: a second waiver for OP-08, the first is in line 16, want one with both reasons
w.yaml:22:1: unknown field "wavers", did you mean waivers?`
	got, err := waivers.Parse("w.yaml", []byte(file))
	if err == nil || got != nil {
		t.Fatalf("got %v and %v, want mistakes", got, err)
	}
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestSyntaxIsRefused(t *testing.T) {
	for source, want := range map[string]string{
		"waivers: [\n":                                     `w.yaml:1:10: YAML syntax: `,
		"waivers:\n  - rule: a: b\n":                       `w.yaml:2:`,
		"waivers: []\n---\nwaivers: []\n":                  "w.yaml:3:1: a second document, want one list of waivers",
		"waivers: []\n# \xff":                              `w.yaml:2:3: a byte 0xff that is not UTF-8`,
		"waivers: []\n# \x01":                              `w.yaml:2:3: the control character U+0001, want none`,
		"? waivers\n: []":                                  "w.yaml:1:1: a key after ?",
		"waivers:\n  - &a {rule: OP-08}":                   "w.yaml:2:5: an anchor or an alias, want a mapping",
		"waivers:\n  - !!map {rule: OP-08}":                "w.yaml:2:5: a tag, want a mapping",
		"waivers: &a\n  - rule: *a":                        "waivers is no list",
		"waivers: [" + strings.Repeat("[", 5000):           "nested too deep",
		"waivers:\n" + strings.Repeat("- ", 5000):          "nested too deep",
		"waivers: [" + strings.Repeat("a, ", 50_000) + "]": "more than 20000 tokens",
		strings.Repeat("a", 1<<19):                         "more than 262144 bytes",
		"waivers:\n  - <<: {rule: OP-08}":                  "a merge key as a key",
		"waivers: [{rule: OP-08, reason: r, until: 2027-01-31, target: \"[\"}]": "is no pattern",
	} {
		began := time.Now()
		_, err := waivers.Parse("w.yaml", []byte(source))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %s", source, err, want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%.60q: took %v", source, took)
		}
	}
}

func TestWhatIsOddAndRight(t *testing.T) {
	for source, want := range map[string]int{
		"":                     0,
		"# nothing is known\n": 0,
		"---\nwaivers: []\n":   0,
		"\ufeffwaivers:\r\n  - rule: OP-08\r\n    reason: r\r\n    until: 2027-01-31\r\n":                                            1,
		`{"waivers": [{"rule": "OP-08", "reason": "in JSON", "until": "2027-01-31"}]}`:                                               1,
		"waivers:\n- {rule: OP-08, reason: 2027, until: '2027-01-31'}\n- {rule: OP-08, target: '*', reason: r, until: 2000-01-01}\n": 2, // over is for the report to tell
	} {
		got, err := waivers.Parse("w.yaml", []byte(source))
		if err != nil || len(got.GetWaivers()) != want {
			t.Errorf("%q: got %v and %v, want %d", source, got, err, want)
		}
	}
}

// Every rule can be waived, and as many waivers as there may be have room.
func TestManyWaivers(t *testing.T) {
	var b strings.Builder
	b.WriteString("waivers:\n")
	all := conformance.AllRules()
	for i := range 1000 {
		b.WriteString("  - rule: " + all[i%len(all)].ID + "\n    target: https://host-" + strings.Repeat("x", i/len(all)) + "*\n    reason: known since long\n    until: 2027-01-31\n")
	}
	began := time.Now()
	got, err := waivers.Parse("w.yaml", []byte(b.String()))
	if err != nil || len(got.GetWaivers()) != 1000 {
		t.Fatalf("got %d, %v", len(got.GetWaivers()), err)
	}
	t.Logf("took %v", time.Since(began))
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "waivers.yaml")
	if err := os.WriteFile(file, []byte("waivers:\n  - rule: OP-08\n    reason: r\n    until: 2027-01-31\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := waivers.Load(file); err != nil || len(got.GetWaivers()) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := waivers.Load(filepath.Join(dir, "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v, want the file's name", err)
	}
}

// Whatever comes in, each line of an error has its place in the file.
func FuzzParsePlaces(f *testing.F) {
	place := regexp.MustCompile(`^w\.yaml:(\d+):\d+: .`)
	f.Add("waivers:\n  - rule: LRO-8\n    reason: r\n    until: x\n")
	f.Add("waivers: [{rule: LRO-08, reason: r, until: 2027-01-01}]")
	f.Add("waivers:\n  - &a {rule: *a}\n  - <<: *a\n")
	f.Add("? a\n: b\n--- \n- |\n  x")
	f.Fuzz(func(t *testing.T, source string) {
		got, err := waivers.Parse("w.yaml", []byte(source))
		if err == nil {
			for _, w := range got.GetWaivers() {
				if w.GetRule() == "" || w.GetReason() == "" || w.GetUntil() == "" {
					t.Fatalf("got %v", w)
				}
			}
			return
		}
		if first, _, _ := strings.Cut(err.Error(), "\n"); !place.MatchString(first) {
			t.Fatalf("got %q, want its place", err)
		}
	})
}
