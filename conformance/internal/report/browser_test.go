package report

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browsed is a page as a browser has it after its script has run, and what the
// browser says on its console.
func browsed(t *testing.T, page []byte) (dom, console string) {
	t.Helper()
	program := ""
	names := []string{"chromium", "chromium-browser", "google-chrome", "chrome"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skipf("no browser on PATH, want one of %s", strings.Join(names, ", "))
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "report.html")
	if err := os.WriteFile(file, page, 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir=" + filepath.Join(dir, "profile"), "--enable-logging=stderr", "--dump-dom", "file://" + file,
	}
	if os.Getuid() == 0 {
		args = append([]string{"--no-sandbox"}, args...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%s: %v\n%s", program, err, said.String())
	}
	var lines []string
	for line := range strings.Lines(said.String()) {
		if strings.Contains(line, "CONSOLE") {
			lines = append(lines, line)
		}
	}
	return out.String(), strings.Join(lines, "")
}

// A person who opens the page finds the evidence.
func TestBrowserShowsEvidence(t *testing.T) {
	dom, console := browsed(t, brokenSample(t).html())
	if console != "" {
		t.Errorf("the browser says %s", console)
	}
	lacks(t, dom)
	if !strings.Contains(dom, `<p><label for="operation">`) {
		t.Error("the choice of operations is hidden, want the script to have shown it")
	}
}

// What a server puts into its answers is text on the page, and nothing of it runs.
func TestBrowserRunsNothingOfTheServer(t *testing.T) {
	dom, console := browsed(t, hostileSample(t).html())
	if console != "" {
		t.Errorf("the browser says %s", console) // such as that the policy has refused something
	}
	_, title, _ := strings.Cut(dom, "<title>")
	title, _, _ = strings.Cut(title, "</title>")
	if !strings.Contains(title, "NOT CONFORMANT") {
		t.Errorf("got the title %q, want ours", title)
	}
	if n := strings.Count(dom, "<script"); n != 1 {
		t.Errorf("got %d scripts, want ours only", n)
	}
}

func TestBrowserTakesTenThousandEvents(t *testing.T) {
	s := busySample(t, 10_000)
	s.breakRules(3)
	dom, console := browsed(t, s.html())
	if console != "" || !strings.Contains(dom, "All 10,000 calls") {
		t.Errorf("got %d bytes, and the browser says %q", len(dom), console)
	}
}
