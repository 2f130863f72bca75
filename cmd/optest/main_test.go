//go:build unix

package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this binary as the program and as the commands that
// `optest exec` is given, so that the race detector watches them, too.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"optest": main,
		"child":  childMain,
	})
}

// TestScripts runs testdata/script. Beside testscript's own commands scripts
// have those of this package's _test files.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"start":       start,
			"await":       await,
			"send":        send,
			"finish":      finish,
			"call":        call,
			"begin":       begin,
			"answered":    answered,
			"certificate": certificate,
			"within":      within,
			"objects":     objects,
		},
		Setup: func(env *testscript.Env) error {
			// Under the race detector a program would wait for a second as it ends.
			env.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
			env.Values[runningKey{}] = map[string]*running{}
			env.Values[begunKey{}] = map[string]begunCall{}
			return nil
		},
	})
}
