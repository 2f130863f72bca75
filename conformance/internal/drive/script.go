package drive

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Script is traffic with a purpose, the same in every run.
type Script struct {
	Name string
	// Does says what happens, in a line.
	Does string
	// Exercises are the rules that it is for. Others are exercised by the way.
	Exercises []string
	// needs says what it lacks, empty if nothing.
	needs func(*World) string
	// creates is how many images it makes, and at least how many it needs to.
	creates, least int
	run            func(*stage)
}

// Skipped is a script that was not played, or not to its end, or the reflection of
// a server that shows nothing of use.
type Skipped struct {
	Script, Reason string
	Exercises      []string
}

// Scripts are all scripts, in the order in which they are played: what tells most
// for the images that it makes comes first.
func Scripts() []*Script {
	return slices.Concat(watchScripts(), refusalScripts(), lifeScripts(), keyScripts(), cancelScripts(), wireScripts(), requestScripts(), imageScripts())
}

// Play plays scripts until they are over, the run has to end, or ctx is done. It
// returns those that were left out.
func (w *World) Play(ctx context.Context, scripts []*Script) []Skipped {
	var skipped []Skipped
	for i, sc := range scripts {
		skip := func(format string, args ...any) {
			skipped = append(skipped, Skipped{Script: sc.Name, Reason: fmt.Sprintf(format, args...), Exercises: sc.Exercises})
		}
		if err := w.Over(); err != nil {
			skip("%s", plain(err))
			continue
		}
		if lacks := sc.lacks(w); lacks != "" {
			skip("%s", lacks)
			continue
		}
		if !w.ledger.affords(sc.least) {
			skip("it makes at least %d images, more than the budget has left", sc.least)
			continue
		}
		w.tell(Progress{Doing: sc.Name, Script: i + 1, Scripts: len(scripts)})
		s := w.stage(ctx, sc.Name)
		sc.run(s)
		switch err := w.Over(); {
		case err != nil:
			skip("cut short: %s", plain(err))
		case s.short:
			skip("cut short: it makes up to %d images, more than the budget has left", sc.creates)
		}
	}
	return skipped
}

// plain is an error's text without what begins all of optest's.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "optest: ") }

func (sc *Script) lacks(w *World) string {
	if len(w.protocols()) == 0 {
		return "the server speaks none of the protocols"
	}
	if sc.needs == nil {
		return ""
	}
	return sc.needs(w)
}

// What scripts need.

func needs(all ...func(*World) string) func(*World) string {
	return func(w *World) string {
		for _, need := range all {
			if lacks := need(w); lacks != "" {
				return lacks
			}
		}
		return ""
	}
}

func succeeding(w *World) string { return known(w.plan.Desktops.Succeeds, "that a copy succeeds of") }
func failing(w *World) string    { return known(w.plan.Desktops.Fails, "that a copy fails of") }
func failingLate(w *World) string {
	return known(w.plan.Desktops.FailsLate, "of which a copy shows its failure before it is done")
}
func absent(w *World) string { return known(w.plan.Desktops.Absent, "that does not exist") }

func known(desktop, which string) string {
	if desktop == "" {
		return "no desktop is known " + which
	}
	return ""
}

func speaking(p Protocol) func(*World) string {
	return func(w *World) string {
		if !w.speaks(p) {
			return "the server does not speak " + p.String()
		}
		return ""
	}
}

func secured(w *World) string {
	if !w.plan.Auth {
		return "the server is not said to know its callers"
	}
	return ""
}
