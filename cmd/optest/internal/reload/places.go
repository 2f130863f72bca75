package reload

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"

	"github.com/optest-dev/optest/fixtures/scenariofile"
)

const (
	// maxDirs is what a system lets one user watch at least, and a part of what
	// scenariofile.Load visits.
	maxDirs  = 8192
	maxDepth = 32 // as scenariofile.Load
)

// places are the directories to watch, and the files in them that are read.
type places struct {
	dirs  []string
	files map[string]bool // by each path under which events may name them
}

// find looks where scenarios are loaded from. What can't be read is left out:
// loading reports it.
func find(paths []string) places {
	p := places{files: map[string]bool{}}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil || !info.IsDir():
			p.file(path) // one that is not there may come
		default:
			p.dir(path, 0)
		}
	}
	// Files that Load reads through links change where they are.
	files, _ := scenariofile.Files(paths...)
	for _, file := range files {
		p.file(file)
	}
	return p
}

func (p *places) file(path string) {
	p.files[filepath.Clean(path)] = true
	p.add(filepath.Dir(path))
	if real, err := filepath.EvalSymlinks(path); err == nil {
		p.files[real] = true
		p.add(filepath.Dir(real))
	}
}

func (p *places) add(dir string) bool {
	dir = filepath.Clean(dir)
	if len(p.dirs) == maxDirs || slices.Contains(p.dirs, dir) {
		return false
	}
	p.dirs = append(p.dirs, dir)
	return true
}

func (p *places) dir(path string, depth int) {
	if depth == maxDepth || !p.add(path) {
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return
	}
	for _, e := range entries {
		inner := filepath.Join(path, e.Name())
		if !strings.HasPrefix(e.Name(), ".") && isDir(inner) {
			p.dir(inner, depth+1)
		}
	}
}

// mounted is the link that Kubernetes turns to a new directory when the
// configuration that is mounted changes.
const mounted = "..data"

// concern says whether an event may be about a scenario file.
func (p places) concern(e fsnotify.Event) bool {
	path := filepath.Clean(e.Name)
	base := filepath.Base(path)
	ext := strings.ToLower(filepath.Ext(base))
	switch {
	case e.Op == fsnotify.Chmod:
		return false
	case p.files[path] || base == mounted:
		return true
	case strings.HasPrefix(base, "."):
		return false
	case ext == ".yaml" || ext == ".yml":
		return true
	case e.Has(fsnotify.Create):
		return isDir(path)
	case e.Has(fsnotify.Remove), e.Has(fsnotify.Rename):
		return slices.Contains(p.dirs, path)
	}
	return false
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
