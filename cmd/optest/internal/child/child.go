// Package child runs a command as if it stood in the program's place: with its
// signals, and to its exit code.
package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
)

// Find looks the command up as a shell does. The error says why it can't be run
// and ends the program with the code that a shell has for it.
func Find(name string) (path string, err error) {
	path, err = exec.LookPath(name)
	if err != nil {
		return "", refusal(name, err)
	}
	return path, nil
}

// Run runs the command and passes signals on to it, until it has ended. A code
// is the command's own, or 128 and the number of the signal that ended it.
func Run(cmd *exec.Cmd, signals <-chan os.Signal) (code int, err error) {
	if err := cmd.Start(); err != nil {
		return 0, refusal(cmd.Args[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			if !reachesAll(sig) {
				// It fails only if the command has ended, which is seen next.
				_ = cmd.Process.Signal(sig)
			}
		case err := <-ended:
			var failed *exec.ExitError
			if err != nil && !errors.As(err, &failed) {
				return 0, err
			}
			return codeOf(cmd.ProcessState), nil
		}
	}
}

func codeOf(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// refusal is the error of a command that could not be started.
func refusal(name string, err error) error {
	code := exit.NotExecutable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = exit.NotFound
	}
	// The name is in front of it already.
	if inLookup, ok := errors.AsType[*exec.Error](err); ok {
		err = inLookup.Err
	}
	if inPath, ok := errors.AsType[*fs.PathError](err); ok {
		err = inPath.Err
	}
	return &exit.Error{Code: code, Err: fmt.Errorf("command %q: %w", name, err)}
}
