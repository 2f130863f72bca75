package selfcert

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRootFile(t *testing.T) {
	a := mustNew(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "root.pem")
	if err := os.WriteFile(path, []byte("something longer that was there before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.WriteRoot(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(content, a.RootPEM()) {
		t.Errorf("file holds %q (%v), want the root", content, err)
	}
	block, rest := pem.Decode(content)
	if block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Errorf("file holds %q, want one certificate and nothing more", content)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v (%v), want 0644", info.Mode(), err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v (%v), want only the root", entries, err)
	}
}

func TestRootFileFailureLeavesNothing(t *testing.T) {
	a := mustNew(t)
	folder := t.TempDir()
	occupied := filepath.Join(folder, "occupied")
	if err := os.MkdirAll(filepath.Join(occupied, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{occupied, filepath.Join(folder, "missing", "root.pem"), ""} {
		if err := a.WriteRoot(path); err == nil || !strings.HasPrefix(err.Error(), "optest: root certificate not written to ") {
			t.Errorf("WriteRoot(%q) = %v, want an error that says so", path, err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("folder holds %v (%v), want only what was there", entries, err)
	}
}
