package judge

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// By default, little is done, as all tests are run often. `make judge` does more.
var (
	seeds      = flag.Int("judge.seeds", 1, "runs of each healthy server")
	watched    = flag.Int("judge.watched", 1, "runs of each healthy server that is only watched")
	randoms    = flag.Int("judge.randoms", 2, "random cases in each of them")
	some       = flag.Int("judge.servers", 3, "servers of each kind, evenly spread over all; 0 is all")
	unsure     = flag.Int("judge.unsure", 1, "runs of each mutant that shows with a probability")
	places     = flag.Int("judge.places", 1, "places to break each rule in")
	only       = flag.String("judge.only", "", "names of servers and mutants to look at, separated by commas; empty is all")
	pageFile   = flag.String("judge.page", "", "file to write the page to")
	reportsDir = flag.String("judge.reports", "", "folder to write reports on the own servers to")
	command    = flag.String("judge.command", "make judge", "what the page says how it was made")
)

// results is the page that all tests add to.
var results struct {
	sync.Mutex
	page
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && *pageFile != "" {
		if err := os.WriteFile(*pageFile, []byte(results.markdown(*command)), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "judge:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// chosen reports whether a name is to be looked at.
func chosen(name string) bool {
	if *only == "" {
		return true
	}
	for one := range strings.SplitSeq(*only, ",") {
		if one == name {
			return true
		}
	}
	return false
}

// progress tells how far long work is, now and then.
type progress struct {
	mu          sync.Mutex
	what        string
	done, all   int
	began, last time.Time
}

func newProgress(what string, all int) *progress {
	now := time.Now()
	return &progress{what: what, all: all, began: now, last: now}
}

func (p *progress) step() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	const often = 15 * time.Second
	if now := time.Now(); now.Sub(p.last) > often {
		p.last = now
		took := now.Sub(p.began)
		left := took / time.Duration(p.done) * time.Duration(p.all-p.done)
		fmt.Fprintf(os.Stderr, "judge: %s: %d of %d after %v, about %v left\n", p.what, p.done, p.all, took.Round(time.Second), left.Round(time.Second))
	}
}
