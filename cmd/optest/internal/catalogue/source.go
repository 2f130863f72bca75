package catalogue

import (
	"bytes"
	"fmt"
	"os"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/fixtures/scenariofile"
)

// Source returns the YAML of a scenario as it is written, comments included. Of
// a file with several it is the scenario's part.
func (c *Catalogue) Source(name string) ([]byte, error) {
	if _, err := c.Find(name); err != nil {
		return nil, err
	}
	if _, ok := c.named[name]; !ok {
		if _, yaml, ok := fixtures.Source(name); ok {
			return yaml, nil
		}
		return nil, fmt.Errorf("the source of scenario %q is not built in", name)
	}
	files, err := scenariofile.Files(c.paths...)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		// Load has read the file within its bounds.
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if part, ok := find(file, data, name); ok {
			return part, nil
		}
	}
	return nil, fmt.Errorf("the file of scenario %q has changed meanwhile", name)
}

// find returns the file where it holds the scenario alone, and its document
// where there are others.
func find(file string, data []byte, name string) ([]byte, bool) {
	if holds(file, data, name) {
		return data, true
	}
	for _, part := range documents(data) {
		if holds(file, part, name) {
			return append(bytes.TrimSpace(part), '\n'), true
		}
	}
	return nil, false
}

// holds reports whether the YAML is that scenario and no other.
func holds(file string, data []byte, name string) bool {
	list, err := scenariofile.Parse(file, data)
	return err == nil && len(list) == 1 && list[0].GetName() == name
}

// documents splits at lines of `---`, which end a YAML document wherever they
// begin in the first column (YAML 1.2.2, 9.1.2). What stands after the mark is
// part of the next document.
func documents(data []byte) [][]byte {
	var parts [][]byte
	begin, offset := 0, 0
	for line := range bytes.Lines(data) {
		rest, ok := bytes.CutPrefix(line, []byte("---"))
		if ok && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n")) {
			parts = append(parts, data[begin:offset])
			begin = offset + len("---")
		}
		offset += len(line)
	}
	return append(parts, data[begin:])
}
