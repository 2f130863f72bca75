package judge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/judge/honest"
	"github.com/optest-dev/optest/conformance/judge/zoo"
	"github.com/optest-dev/optest/mockserver"
)

const (
	// mixtures are views of each observer's trace by several narrowings.
	mixtures = 3
	// few is how many views are looked at where little is to be done.
	few = 6
)

// TestWatchedZoo has no server of the zoo accused by what is seen of clients such
// as people write, however little of it that is.
func TestWatchedZoo(t *testing.T) {
	servers := spread(slices.DeleteFunc(watchedZoo(), func(z zoo.Server) bool { return !chosen(z.Name) }), *some)
	told := newProgress("watched servers", len(servers)**watched)
	counts := make([]watch, len(servers))
	t.Run("servers", func(t *testing.T) {
		for i, z := range servers {
			t.Run(z.Name, func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(*watched) {
					counts[i].zoo(t, z, seed+1)
					told.step()
				}
				for seed := range uint64(min(*watched, proxied)) {
					counts[i].proxied(t, z, seed+1)
				}
			})
		}
	})
	tellWatched(t, servers, counts)
}

// running is a server of the zoo for clients.
func running(z zoo.Server) starter {
	return func(tb testing.TB, opts ...mockserver.Option) conformance.Target {
		if z.Changes == nil {
			return zoo.Mock(tb, opts...)
		}
		return z.Start(tb)
	}
}

// watch counts what was looked at, and what came of it.
type watch struct {
	runs, calls, views, verdicts int
	accused                      int            // runs
	warned                       map[string]int // views, by rule
}

// zoo watches a server once, and judges what each observer has seen, and parts of it.
func (w *watch) zoo(t *testing.T, z zoo.Server, seed uint64) {
	draw := rand.New(rand.NewPCG(seed, 4))
	profile := profiles(z.Window, draw)
	seen := Watch(t, running(z), seed, profile[draw.IntN(len(profile))])
	w.judge(t, z, seed, seen, profile, draw)
}

// proxied is how often each server is watched by a proxy, which takes real time.
const proxied = 5

// proxied does the same with a proxy.
func (w *watch) proxied(t *testing.T, z zoo.Server, seed uint64) {
	draw := rand.New(rand.NewPCG(seed, 5))
	profile := profiles(z.Window, draw)
	var target conformance.Target
	if z.Changes == nil {
		target = zoo.Mock(t, mockserver.Speed(haste))
	} else {
		target = honest.New(append(slices.Clone(z.Changes), hasty)...).Start(t, z.Around...)
	}
	w.judge(t, z, seed, WatchByProxy(t, target, seed, profile[draw.IntN(len(profile))]), profile, draw)
}

func (w *watch) judge(t *testing.T, z zoo.Server, seed uint64, seen *Watched, profile []conformance.Option, draw *rand.Rand) {
	t.Helper()
	list, err := seen.Views(draw, mixtures)
	if err != nil {
		t.Fatal(err)
	}
	if *some > 0 {
		draw.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:few]
	}
	w.runs++
	w.calls += len(seen.Traces[0].Events)
	accused := false
	for i, r := range seen.Reports {
		accused = w.weigh(t, z, fmt.Sprintf("seed %d, %s at once", seed, observer(seen.Traces[i])), r) || accused
	}
	for _, v := range list {
		w.views++
		for _, p := range profile {
			opts := []conformance.Option{p}
			if draw.IntN(2) == 0 {
				opts = append(opts, conformance.About(seen.Target))
			}
			r, err := conformance.Verify(v.trace, opts...)
			if err != nil {
				t.Fatal(err)
			}
			accused = w.weigh(t, z, fmt.Sprintf("seed %d, %s", seed, v.name), r) || accused
		}
	}
	w.accused += count(accused)
}

// weigh counts a report's verdicts, and reports whether one is an accusation.
func (w *watch) weigh(t *testing.T, z zoo.Server, name string, r *conformance.Report) bool {
	t.Helper()
	accused := false
	for i := range r.Rules {
		one := &r.Rules[i]
		switch one.Verdict {
		case conformance.Failed:
			t.Errorf("%s, %s: %s", name, r.Profile, one)
			accused = true
		case conformance.Warned:
			if w.warned == nil {
				w.warned = map[string]int{}
			}
			if slices.Contains(z.Told, one.ID) {
				break
			}
			if w.warned[one.ID]++; w.warned[one.ID] == 1 {
				t.Logf("%s, %s: %s", name, r.Profile, one)
			}
		case conformance.Passed:
		default:
			continue
		}
		w.verdicts++
	}
	return accused
}

func tellWatched(t *testing.T, servers []zoo.Server, counts []watch) {
	t.Helper()
	columns := &table{columns: []string{"server", "runs", "calls", "views", "verdicts", "runs accused in", "rules that warn, and in how many views"}}
	written := &table{columns: []string{"server", "what is odd about it", "why it may", "runs", "accused"}}
	var all watch
	for i, z := range servers {
		w := counts[i]
		var warned []string
		for _, id := range slices.Sorted(maps.Keys(w.warned)) {
			warned = append(warned, fmt.Sprintf("%s %d", id, w.warned[id]))
		}
		columns.add(z.Name, w.runs, w.calls, w.views, w.verdicts, w.accused, strings.Join(warned, ", "))
		written.add(z.Name, z.Odd, allowed(z), w.runs, w.accused)
		all.runs += w.runs
		all.calls += w.calls
		all.views += w.views
		all.verdicts += w.verdicts
		all.accused += w.accused
	}
	bound := fmt.Sprintf("%.2f %%", 100*upperBound(all.accused, all.runs))
	columns.add("all", all.runs, all.calls, all.views, all.verdicts, all.accused, "at most "+bound+" of runs")
	t.Logf("healthy servers, watched while clients talk to them:\n%v", columns)
	results.Lock()
	defer results.Unlock()
	results.gate(7, "Healthy servers accused by what is seen of their clients, or by parts of it", "0",
		fmt.Sprintf("%d of %d runs of %d servers, what each observer has seen in %d parts and mixtures of them, so at most %s of runs (95 %% confidence)", all.accused, all.runs, len(servers), len(narrowings)+mixtures, bound))
	results.section(7, "Healthy servers, watched",
		"Clients such as people write (pollers, retries with keys, Cancel while operations end, readers and writers of images over five protocols) talk to each server over a slow network. "+
			"Hooks watch them, a proxy does so up to 5 times in real time, and the mock server keeps its journal. What they record is held against the rules as it is and in parts: one client's calls, a watch that began late, calls left out by chance, "+
			"without metadata, frames, bytes or names of connections, and as a binary log of gRPC, for strong servers under both profiles. No part may accuse a server.", written)
}

// passiveMutants are broken in ways that any client meets, by the rules that have
// to say so.
var passiveMutants = map[string]string{
	"done-flips-back": "LRO-01", "key-ignored": "IDM-01", "response-becomes-error": "LRO-02", "metadata-dropped-when-done": "LRO-12",
	"created-at-is-now": "LRO-05", "cancel-overwrites-success": "CXL-02", "int64-as-number": "XP-02",
}

// TestWatchedMutants has broken servers accused by what is seen of the same clients:
// to find nothing wrong with anybody would prove nothing.
func TestWatchedMutants(t *testing.T) {
	mutants := slices.DeleteFunc(Mutants(), func(m Mutant) bool { return passiveMutants[m.Name] == "" || !chosen(m.Name) })
	mutants = spread(mutants, *some)
	found := make([]map[string][]string, len(mutants)) // rules that accuse, by observer
	t.Run("mutants", func(t *testing.T) {
		for i, m := range mutants {
			t.Run(m.Name, func(t *testing.T) {
				t.Parallel()
				found[i] = watchMutant(t, m)
			})
		}
	})
	shown := &table{columns: []string{"mutant", "has to be accused by", "hook", "hook of HTTP", "binary log"}}
	written := &table{columns: []string{"mutant", "has to be accused by", "is"}}
	caught := 0
	for i, m := range mutants {
		shown.add(m.Name, passiveMutants[m.Name], strings.Join(found[i]["hook"], ", "), strings.Join(found[i]["hook of HTTP"], ", "), strings.Join(found[i]["binary log"], ", "))
		is := slices.Contains(found[i]["hook"], passiveMutants[m.Name])
		written.add(m.Name, passiveMutants[m.Name], map[bool]string{false: "no", true: "yes"}[is])
		caught += count(is)
	}
	t.Logf("mutants, watched while clients talk to them:\n%v", shown)
	results.Lock()
	defer results.Unlock()
	results.gate(8, "Mutants that any client meets, accused by what a hook sees of the same clients", "all", fmt.Sprintf("%d of %d", caught, len(mutants)))
	results.section(8, "Mutants, watched", fmt.Sprintf("The same clients talk to broken servers, with up to %d seeds each, and a hook has to find what is wrong.", tries), written)
}

// tries are the seeds with which a mutant may show.
const tries = 3

func watchMutant(t *testing.T, m Mutant) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for seed := range uint64(tries) {
		seen := Watch(t, func(tb testing.TB, _ ...mockserver.Option) conformance.Target { return m.Start(tb, seed+1) }, seed+1, conformance.Strong())
		for i, r := range seen.Reports {
			note(found, observer(seen.Traces[i]), r)
		}
		logs, err := logged(seen.Traces[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, log := range logs {
			r, err := conformance.Verify(log, conformance.Strong())
			if err != nil {
				t.Fatal(err)
			}
			note(found, "binary log", r)
		}
		if slices.Contains(found["hook"], passiveMutants[m.Name]) {
			break
		}
	}
	if want := passiveMutants[m.Name]; !slices.Contains(found["hook"], want) {
		t.Errorf("%s says nothing of what a hook has seen with %d seeds, want an accusation; those that speak: %v", want, tries, found)
	}
	return found
}

// note adds the rules that are broken by a report.
func note(found map[string][]string, who string, r *conformance.Report) {
	for i := range r.Rules {
		if one := &r.Rules[i]; one.Verdict == conformance.Failed && !slices.Contains(found[who], one.ID) {
			found[who] = append(found[who], one.ID)
		}
	}
}
