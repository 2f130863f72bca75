package mock_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/optest-dev/optest/cmd/optest/internal/mock"
)

// Clients put scenarios as YAML, and errors say where in it.
func TestPutYAML(t *testing.T) {
	t.Setenv(mock.TokenVariable, "")
	srv, err := settings(t).Start(new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		name, yaml string
		status     int
		want       []string // parts of the answer
	}{
		{"two documents", "name: one\ntimeline:\n  - at: 2h30m\n    succeed: {}\n---\nname: two\nnever_done: true\n", http.StatusOK, []string{`"one"`, `"two"`}},
		{"a wrong unit and a wrong field", "name: three\ntimeline:\n  - at: 2x\n    succed: {}\n", http.StatusBadRequest, []string{
			"yaml:3:9: timeline[0].at", "yaml:4:5: timeline[0].succed", "invalid_argument",
		}},
		{"a name that is taken", "name: four\nnever_done: true\n---\nname: four\nnever_done: true\n", http.StatusBadRequest, []string{"yaml:4:1: name", "yaml:1:1"}},
		{"what does not validate", "name: five\n", http.StatusBadRequest, []string{"yaml:1:1"}},
		{"no name", "never_done: true\n", http.StatusBadRequest, []string{"yaml:1:1: name: is absent"}},
		{"more than a file may have", "name: six\nnever_done: true\n#" + strings.Repeat("x", 1<<20), http.StatusBadRequest, []string{"yaml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, err := json.Marshal(map[string]string{"yaml": c.yaml})
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.Post(mock.URL(srv)+"/optest.v1.ControlService/PutScenarios", "application/json", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			answer, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status {
				t.Errorf("got %s, want %d", resp.Status, c.status)
			}
			for _, want := range c.want {
				if !strings.Contains(string(answer), want) {
					t.Errorf("got %s\nwant %s in it", answer, want)
				}
			}
		})
	}
}
