package judge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Server is one to be judged.
type Server struct {
	Name string
	// Window is how long after a write its reads may miss it.
	Window time.Duration
	// Start makes the server, in memory, until the test ends.
	Start func(testing.TB) conformance.Target
}

// Run is what was seen of a server in one run.
type Run struct {
	Env    *rules.Env
	Events []*trace.Event
	// Over is why the run has ended early, nil if it has not.
	Over error

	scripts []script
}

// script is where in the events a script begins.
type script struct {
	name string
	from int
}

// bound is how long an operation may take, in virtual time.
const bound = 24 * time.Hour

// Scripted plays all scripts to a new server. The seed settles what they draw.
func Scripted(t *testing.T, s Server, seed uint64) *Run {
	t.Helper()
	return s.play(t, seed, func(ctx context.Context, w *drive.World, _ *Run) { w.Play(ctx, drive.Scripts()) })
}

// Random does to a new server what the seed has it do: so many steps.
func Random(t *testing.T, s Server, seed uint64, steps int) *Run {
	t.Helper()
	return s.play(t, seed, func(ctx context.Context, w *drive.World, r *Run) {
		r.scripts = append(r.scripts, script{"random", len(r.Events)})
		drive.NewMachine(ctx, w).Roll(drive.Dice{Draw: rand.New(rand.NewPCG(seed, 1))}, steps)
	})
}

// play is a run in virtual time, in a bubble of its own.
func (s Server) play(t *testing.T, seed uint64, with func(context.Context, *drive.World, *Run)) *Run {
	t.Helper()
	r := &Run{}
	synctest.Test(t, func(t *testing.T) {
		target := s.Start(t)
		desktops := rules.Desktops(target.Desktops)
		recorder := drive.NewRecorder(func(e *trace.Event) { r.Events = append(r.Events, e) })
		w := drive.Open(drive.Plan{
			Endpoint: drive.Endpoint{URL: &url.URL{Scheme: "http", Host: "optest.invalid"}, Dial: target.Dial, Token: target.Token},
			Desktops: desktops, Folder: target.Folder, Auth: target.Token != "", Foreign: target.Foreign,
			Protocols: drive.Protocols, Seed: seed, Bound: bound,
			Progress: func(p drive.Progress) { r.scripts = append(r.scripts, script{p.Doing, len(r.Events)}) },
		}, recorder)
		defer w.Close()
		r.Env = &rules.Env{
			Header: &optestv1.TraceHeader{
				Version: trace.Version, Tool: "optest", Name: s.Name, Seed: seed,
				Observer: optestv1.TraceHeader_CLIENT, Clock: optestv1.TraceHeader_VIRTUAL, Start: timestamppb.New(recorder.Start()),
				Sees: []optestv1.TraceHeader_Sight{
					optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_HEADERS,
					optestv1.TraceHeader_FRAMES, optestv1.TraceHeader_ALL_WRITERS,
				},
			},
			Window: s.Window, Contract: rules.Guide, World: true, Bound: bound,
			Desktops: desktops, Folder: target.Folder, Subject: target.Subject, Auth: target.Token != "", Foreign: target.Foreign,
		}
		if found := w.Probe(t.Context()); found.Unfit != "" {
			r.Over = fmt.Errorf("optest: server %q can't be judged: %w", s.Name, errors.New(found.Unfit))
			return
		}
		with(t.Context(), w, r)
		r.Over = w.Over()
	})
	return r
}

// scriptAt is the script in which the n-th event has come, counted from 1.
func (r *Run) scriptAt(n int) string {
	name := ""
	for _, s := range r.scripts {
		if s.from < n {
			name = s.name
		}
	}
	return name
}
