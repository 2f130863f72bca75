package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/optest-dev/optest/cmd/optest/internal/mock"
	"github.com/optest-dev/optest/cmd/optest/internal/reload"
	"github.com/optest-dev/optest/fixtures/scenariofile"
	"github.com/optest-dev/optest/mockserver"
)

// reloading keeps the server's scenarios those of its files until it is stopped.
// Without files it does nothing.
func reloading(stderr io.Writer, settings *mock.Settings, srv *mockserver.Server) (stop func() error, err error) {
	if len(settings.Scenarios) == 0 {
		return func() error { return nil }, nil
	}
	watcher, err := reload.New(settings.Scenarios)
	if err != nil {
		return nil, err
	}
	say := tell(stderr, settings.Log.Value)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		watcher.Run(ctx, func() {
			n, err := settings.Reload(srv)
			say(reloaded{n, settings.Scenarios, err})
		}, func(err error) { say(reloaded{err: err}) })
	})
	return func() error {
		cancel()
		done.Wait()
		return watcher.Close()
	}, nil
}

// reloaded is what has come of a change.
type reloaded struct {
	scenarios int
	paths     []string
	err       error
}

// tell writes it as the log is written: in lines for people, or an object a line.
// A writer that fails loses it, as it does calls.
func tell(w io.Writer, log string) func(reloaded) {
	if log == mock.LogJSON {
		return func(r reloaded) { _, _ = w.Write(r.object(time.Now())) }
	}
	return func(r reloaded) { _, _ = io.WriteString(w, r.text()) }
}

func (r reloaded) text() string {
	var inFiles scenariofile.Errors
	switch {
	case errors.As(r.err, &inFiles):
		// Each of its lines begins with a file and a line, for editors to follow.
		return fmt.Sprintf("%v\noptest: %s in the scenario files, those from before stay in play\n", inFiles, counted(len(inFiles), "problem"))
	case r.err != nil:
		return fmt.Sprintf("optest: %s\n", strings.TrimPrefix(r.err.Error(), "optest: "))
	}
	return fmt.Sprintf("optest: reloaded %s from %s\n", counted(r.scenarios, "scenario"), strings.Join(r.paths, ", "))
}

// object has names that are stable. Calls have others.
func (r reloaded) object(now time.Time) []byte {
	event := struct {
		Time      time.Time `json:"time"`
		Reload    string    `json:"reload"` // done or failed
		Scenarios int       `json:"scenarios"`
		Paths     []string  `json:"paths,omitempty"`
		Errors    []string  `json:"errors,omitempty"`
	}{now.UTC(), "done", r.scenarios, r.paths, nil}
	if r.err != nil {
		event.Reload, event.Errors = "failed", strings.Split(r.err.Error(), "\n")
	}
	line, err := json.Marshal(event)
	if err != nil {
		line = []byte(`{"reload":"failed"}`) // never: all of it can be encoded
	}
	return append(line, '\n')
}
