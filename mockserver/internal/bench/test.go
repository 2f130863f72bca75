package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// mockserver.New and testing/synctest want a *testing.T. This program again, with testCommand, gives them one, as the binary of go test
// would: it reads a scale, runs the named measure as a test and prints its pairs.
const testCommand = "measure-in-test"

// testMeasures run as tests.
var testMeasures = map[string]func(t *testing.T, s scale) ([]pair, error){
	"first":   firstInTest,
	"virtual": virtualInTest,
}

// runAsTest does not return.
func runAsTest(name string, in io.Reader, out io.Writer) {
	test := func(t *testing.T) {
		measure, ok := testMeasures[name]
		if !ok {
			t.Fatalf("measure %q, want one of those that are tests", name)
		}
		var s scale
		if err := json.NewDecoder(in).Decode(&s); err != nil {
			t.Fatal(err)
		}
		pairs, err := measure(t, s)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(out).Encode(pairs); err != nil {
			t.Fatal(err)
		}
	}
	os.Args = os.Args[:1] // package testing takes the rest for its flags
	all := func(_, _ string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: name, F: test}}, nil, nil)
}

// inTest takes the pairs of a measure that is a test.
func inTest(ctx context.Context, name string, s scale) ([]pair, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	process := exec.CommandContext(ctx, self, testCommand, name)
	process.Stdin = bytes.NewReader(in)
	process.Stderr = os.Stderr
	out, err := process.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	// What package testing prints follows.
	var pairs []pair
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&pairs); err != nil {
		return nil, fmt.Errorf("pairs of %s: %w\n%s", name, err, out)
	}
	return pairs, nil
}
