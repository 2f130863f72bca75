// Package reload tells when scenario files have changed.
//
// It watches directories, never files: editors and mounted configuration put a
// new file in the place of the old one. A change is told once it is over, for one
// save shows as several.
package reload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing must happen for a change to be over.
	quiet = 100 * time.Millisecond
	// patience is how long a change is waited for that does not end.
	patience = time.Second
)

// Watcher watches the files and directories that scenarios are loaded from.
type Watcher struct {
	paths   []string
	system  *fsnotify.Watcher
	watched places
}

// New begins to watch. The caller ends it with [Watcher.Close].
func New(paths []string) (*Watcher, error) {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	w := &Watcher{paths: slices.Clone(paths), system: system}
	if err := w.look(); err != nil {
		return nil, errors.Join(err, system.Close())
	}
	return w, nil
}

// Close ends the watch and [Watcher.Run].
func (w *Watcher) Close() error { return w.system.Close() }

// Run calls changed after each change, one call at a time, until ctx or the watch
// ends. What goes wrong with the watch goes to failed: a change may be missed
// then, so that changed is called as well.
func (w *Watcher) Run(ctx context.Context, changed func(), failed func(error)) {
	settled(ctx, w.system.Events, w.system.Errors, w.concerns, func() {
		// What has come in the meantime is watched before it is read.
		if err := w.look(); err != nil {
			failed(err)
		}
		changed()
	}, func(err error) { failed(fmt.Errorf("watching files: %w", err)) })
}

// look watches the directories that there are now. Those that are gone are no
// longer watched by themselves.
func (w *Watcher) look() error {
	watched, err := find(w.paths)
	errs := []error{err}
	for _, dir := range slices.Sorted(maps.Keys(watched.dirs)) {
		// To add one again changes nothing.
		if err := w.system.Add(dir); err != nil && isDir(dir) {
			errs = append(errs, fmt.Errorf("watching %s: %w, changes in it are not seen", dir, err))
		}
	}
	w.watched = watched
	return errors.Join(errs...)
}

func (w *Watcher) concerns(e fsnotify.Event) bool { return w.watched.concern(e) }

// settled calls changed once no event that concerns it has come for a while.
func settled(
	ctx context.Context, events <-chan fsnotify.Event, errs <-chan error,
	concerns func(fsnotify.Event) bool, changed func(), failed func(error),
) {
	timer := time.NewTimer(quiet)
	timer.Stop()
	defer timer.Stop()
	var since time.Time // of the first event of the change, zero without one
	begin := func() {
		if since.IsZero() {
			since = time.Now()
		}
		timer.Reset(max(0, min(quiet, patience-time.Since(since))))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-events:
			if !ok {
				return
			}
			if concerns(e) {
				begin()
			}
		case err, ok := <-errs:
			if !ok {
				return
			}
			failed(err)
			begin()
		case <-timer.C:
			since = time.Time{}
			changed()
		}
	}
}
