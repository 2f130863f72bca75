package reload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// A change is told when it is over, and one that does not end is told all the
// same.
func TestSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, errs := make(chan fsnotify.Event), make(chan error)
		start := time.Now()
		var changes []time.Duration
		var failures []error
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			settled(ctx, events, errs, func(e fsnotify.Event) bool { return e.Name == "a.yaml" },
				func() { changes = append(changes, time.Since(start)) }, func(err error) { failures = append(failures, err) })
		})
		send := func(name string) { events <- fsnotify.Event{Name: name, Op: fsnotify.Write} }

		send("a.yaml") // at 0
		time.Sleep(60 * time.Millisecond)
		send("a.yaml")
		time.Sleep(60 * time.Millisecond)
		send("b.txt") // is no concern and delays nothing
		time.Sleep(880 * time.Millisecond)
		for range 50 { // from 1 s to 3.5 s
			send("a.yaml")
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(500 * time.Millisecond)
		errs <- errors.New("overflow") // at 4 s
		time.Sleep(time.Second)
		cancel()
		wg.Wait()

		want := []time.Duration{160 * time.Millisecond, 2 * time.Second, 3 * time.Second, 3550 * time.Millisecond, 4100 * time.Millisecond}
		if len(changes) != len(want) {
			t.Fatalf("got changes at %v, want them at %v", changes, want)
		}
		for i := range want {
			if off := (changes[i] - want[i]).Abs(); off > 50*time.Millisecond {
				t.Errorf("got changes at %v, want them at about %v", changes, want)
			}
		}
		if len(failures) != 1 {
			t.Errorf("got %v, want the overflow", failures)
		}
	})
}

func TestSettledEndsWithItsChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(fsnotify.Event) bool { return false }
		events, errs := make(chan fsnotify.Event), make(chan error)
		close(events)
		settled(t.Context(), events, nil, never, nil, nil)
		close(errs)
		settled(t.Context(), nil, errs, never, nil, nil)
	})
}

const yaml = "name: a\nnever_done: true\n"

// watched is a watch under way. Each change that it tells sends a value.
func watched(t *testing.T, paths ...string) <-chan struct{} {
	t.Helper()
	w, err := New(paths)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		w.Run(context.Background(), func() { told <- struct{}{} }, func(err error) { t.Error(err) })
	})
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
	return told
}

func await(t *testing.T, told <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(30 * time.Second):
		t.Fatalf("%s is not told", what)
	}
}

func write(t *testing.T, text string, elem ...string) string {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWatchDirectory(t *testing.T) {
	dir := t.TempDir()
	path := write(t, yaml, dir, "a.yaml")
	told := watched(t, dir)

	write(t, yaml+"# more\n", path)
	await(t, told, "a write")
	write(t, yaml, dir, ".a.yaml.tmp")
	try(t, os.Rename(filepath.Join(dir, ".a.yaml.tmp"), path))
	await(t, told, "a new file in the place of the old one")
	write(t, yaml, dir, "b.YML")
	await(t, told, "a new file")
	try(t, os.Remove(path))
	await(t, told, "a file that is gone")
	try(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	await(t, told, "a new directory")
	write(t, yaml, dir, "sub", "c.yaml")
	await(t, told, "a file in a new directory")
	try(t, os.Rename(filepath.Join(dir, "sub"), filepath.Join(t.TempDir(), "elsewhere")))
	await(t, told, "a directory that is gone")
}

func TestWatchFile(t *testing.T) {
	dir := t.TempDir()
	path := write(t, yaml, dir, "scenario.txt")
	told := watched(t, path)
	write(t, yaml, dir, "scenario.txt.swp")
	try(t, os.Rename(filepath.Join(dir, "scenario.txt.swp"), path))
	await(t, told, "a new file in the place of the old one")
	try(t, os.Remove(path))
	await(t, told, "a file that is gone")
	write(t, yaml, path)
	await(t, told, "a file that is back")
}

func TestWatchLinks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	dir, elsewhere := t.TempDir(), t.TempDir()
	target := write(t, yaml, elsewhere, "target.yaml")
	try(t, os.Symlink(target, filepath.Join(dir, "a.yaml")))
	try(t, os.Symlink(".", filepath.Join(dir, "loop")))
	told := watched(t, dir)
	write(t, yaml+"# more\n", target)
	await(t, told, "a write behind a link")
}

// As Kubernetes mounts configuration: links to a hidden directory, which a link
// that is turned leads to.
func TestWatchMounted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	dir := t.TempDir()
	write(t, yaml, dir, "..1", "a.yaml")
	write(t, yaml+"# more\n", dir, "..2", "a.yaml")
	try(t, os.Symlink("..1", filepath.Join(dir, "..data")))
	try(t, os.Symlink("..data/a.yaml", filepath.Join(dir, "a.yaml")))
	told := watched(t, dir)
	try(t, os.Symlink("..2", filepath.Join(dir, "..data_tmp")))
	try(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	await(t, told, "a turned link")
	write(t, yaml+"# even more\n", dir, "..2", "a.yaml")
	await(t, told, "a write where the link leads now")
}

func TestConcern(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	try(t, err)
	try(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	try(t, os.Mkdir(filepath.Join(dir, "new"), 0o755))
	write(t, yaml, dir, "a.yaml")
	named := write(t, yaml, dir, "named.txt")
	p, err := find([]string{named, dir})
	try(t, err)
	// It came after that.
	delete(p.dirs, filepath.Join(dir, "new"))
	for _, tt := range []struct {
		name string
		op   fsnotify.Op
		want bool
	}{
		{"a.yaml", fsnotify.Write, true},
		{"a.yaml", fsnotify.Chmod, false},
		{"a.yaml", fsnotify.Chmod | fsnotify.Write, true},
		{"other.YML", fsnotify.Create, true},
		{"other.yaml", fsnotify.Remove, true},
		{"named.txt", fsnotify.Rename, true},
		{"other.txt", fsnotify.Create, false},
		{"other.txt", fsnotify.Remove, false},
		{".a.yaml.swp", fsnotify.Create, false},
		{".a.yaml", fsnotify.Create, false},
		{"a.yaml~", fsnotify.Create, false},
		{"4913", fsnotify.Create, false},
		{"new", fsnotify.Create, true},
		{"new", fsnotify.Write, false},
		{"sub", fsnotify.Remove, true},
		{"sub", fsnotify.Rename, true},
		{"..data", fsnotify.Create, true},
		{"..data_tmp", fsnotify.Create, false},
	} {
		if got := p.concern(fsnotify.Event{Name: filepath.Join(dir, tt.name), Op: tt.op}); got != tt.want {
			t.Errorf("%s %v: got %v, want %v", tt.name, tt.op, got, tt.want)
		}
	}
}

func TestFindIsBounded(t *testing.T) {
	p := places{dirs: map[string]bool{}, files: map[string]bool{}}
	for i := range maxDirs {
		p.dirs[string(rune('a'+i))] = true
	}
	if p.add("one more") || !p.full {
		t.Error("got one more, want none")
	}
	if got, err := find([]string{filepath.Join(t.TempDir(), "missing", "a.yaml")}); err != nil || len(got.dirs) != 0 {
		t.Errorf("got %v, %v, want nothing where there is nothing", got, err)
	}
}
