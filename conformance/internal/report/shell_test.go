package report

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is quoted, a shell takes it for what it was.
func TestWordsAreOneWordEach(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on PATH to hold the words against")
	}
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		var script strings.Builder
		r := &replay{variables: map[string]string{}}
		variable := r.remember("fv4-an-id", "op")
		script.WriteString(variable + "='new id'\n")
		for range rapid.IntRange(1, 50).Draw(t, "words") {
			raw := rapid.SliceOf(rapid.OneOf(rapid.ByteRange(1, 255), rapid.SampledFrom([]byte("'\"\\$`!\n #&;()<>|*?[]{}~")))).Draw(t, "text")
			if rapid.Bool().Draw(t, "id") {
				raw = append(raw, "fv4-an-id"...)
			}
			texts = append(texts, strings.ReplaceAll(string(raw), "fv4-an-id", "new id"))
			word := r.word(string(raw))
			if strings.ContainsFunc(word, odd) {
				t.Fatalf("got %q, want nothing that can't be printed", word)
			}
			script.WriteString("printf '%s\\0' " + word + "\n")
		}
		out, err := exec.Command(bash, "-c", script.String()).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for i, got := range bytes.Split(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
			if i >= len(texts) || string(got) != texts[i] {
				t.Fatalf("got %q, want %q", got, texts[min(i, len(texts)-1)])
			}
		}
	})
}

func TestWord(t *testing.T) {
	r := &replay{variables: map[string]string{}}
	r.remember("abcd", "op")
	r.remember("abcdef", "op")
	r.remember("image", "image")
	for text, want := range map[string]string{
		"":                          `''`,
		"plain-1.0/x":               `plain-1.0/x`,
		"it's":                      `'it'\''s'`,
		"a\nb":                      `$'a\x0ab'`,
		"é'\x1b":                    `$'\xc3\xa9\'\x1b'`,
		"é":                         `'é'`,
		"/operations/abcdef:cancel": `/operations/"$op2":cancel`,
		"abcdabcd":                  `"$op1""$op1"`,
		`{"imageId":"image"}`:       `'{"'"$image1"'Id":"'"$image1"'"}'`,
	} {
		if got := r.word(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
