package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/fixtures/scenariofile"
)

// shown is what `optest scenarios show` writes.
func shown(t *testing.T, all *catalogue.Catalogue, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := show(terminal.Output{Writer: &b}, all, name, formatText); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is shown is a scenario file.
func TestShownIsAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.yaml")
	if err := os.WriteFile(file, []byte("\uFEFF%YAML 1.2\n---\nname: marked\nnever_done: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := catalogue.Open([]string{file})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all.Names() {
		text := shown(t, all, name)
		list, err := scenariofile.Parse(name, text)
		if err != nil || len(list) != 1 {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		if want, err := all.Find(name); err != nil || !proto.Equal(list[0], want) {
			t.Errorf("%s: got %v, want %v, %v", name, list[0], want, err)
		}
		if !bytes.HasPrefix(text, []byte("# ")) {
			t.Errorf("%s: got no drawing in\n%s", name, text)
		}
	}
}
