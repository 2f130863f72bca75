package reload

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"

	"github.com/optest-dev/optest/fixtures/scenariofile"
)

const (
	// maxDirs is what systems let one user watch, or less.
	maxDirs  = 8192
	maxDepth = 32 // as scenariofile.Load
)

// places are the directories to watch and the files in them that are read, by
// their paths without links.
type places struct {
	dirs  map[string]bool // true: those below are watched, too
	files map[string]bool
	full  bool // there are more
}

// find looks where scenarios are loaded from. What can't be read is left out:
// loading reports it.
func find(paths []string) (places, error) {
	p := places{dirs: map[string]bool{}, files: map[string]bool{}}
	for _, path := range paths {
		if isDir(path) {
			p.dir(path, 0)
		} else {
			p.file(path) // one that is not there may come
		}
	}
	// A file that is reached through a link changes where it is.
	files, _ := scenariofile.Files(paths...)
	for _, file := range files {
		p.file(file)
		if target, ok := real(file); ok {
			p.file(target)
		}
	}
	if p.full {
		return p, fmt.Errorf("watching files: there are more than %d directories, changes in the others are not seen", maxDirs)
	}
	return p, nil
}

func (p *places) file(path string) {
	if dir, ok := real(filepath.Dir(path)); ok {
		p.files[filepath.Join(dir, filepath.Base(path))] = true
		p.add(dir)
	}
}

// add makes room for the directory, or returns that there is none.
func (p *places) add(dir string) bool {
	if _, ok := p.dirs[dir]; ok {
		return true
	}
	if len(p.dirs) == maxDirs {
		p.full = true
		return false
	}
	p.dirs[dir] = false
	return true
}

func (p *places) dir(path string, depth int) {
	dir, ok := real(path)
	if !ok || depth == maxDepth || p.dirs[dir] || !p.add(dir) {
		return
	}
	p.dirs[dir] = true
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		inner := filepath.Join(dir, e.Name())
		if !strings.HasPrefix(e.Name(), ".") && isDir(inner) {
			p.dir(inner, depth+1)
		}
	}
}

// real is a path without links, absolute.
func real(path string) (string, bool) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	path, err = filepath.EvalSymlinks(path)
	return path, err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// mounted is the link that Kubernetes turns to a new directory when the
// configuration that is mounted changes.
const mounted = "..data"

// concern says whether an event may be about a scenario file.
func (p places) concern(e fsnotify.Event) bool {
	path := filepath.Clean(e.Name)
	base := filepath.Base(path)
	ext := strings.ToLower(filepath.Ext(base))
	_, watched := p.dirs[path]
	switch {
	case e.Op == fsnotify.Chmod:
		return false
	case p.files[path] || watched || base == mounted:
		return true
	case strings.HasPrefix(base, "."):
		return false
	case ext == ".yaml" || ext == ".yml":
		return true
	}
	return e.Has(fsnotify.Create) && isDir(path)
}
