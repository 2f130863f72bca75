package conformance

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// session is one target's run: what is known of it, and what was seen.
type session struct {
	config   *config
	target   Target
	endpoint drive.Endpoint
	mine     bool
	virtual  bool
	budget   Budget // of a run in real time

	recorder *drive.Recorder
	world    *drive.World
	events   []*trace.Event
	found    drive.Found
	shown    *protoregistry.Files // by the server's reflection, nil: it shows none
	skipped  []drive.Skipped
	over     error // why the run has ended early
	left     []string
	began    time.Time // by the wall clock
	took     time.Duration
	elapsed  time.Duration // by the run's own clock
	requests int
	creates  int
}

func (c *config) session(target Target) (*session, error) {
	e, err := target.endpoint()
	if err != nil {
		return nil, err
	}
	s := &session{config: c, target: target, endpoint: e, mine: target.mine(e.URL), virtual: !c.realTime}
	defaults := careful
	if s.mine {
		defaults = generous
	}
	s.budget = c.budget.or(defaults)
	if s.virtual {
		s.budget.Operation = 24 * time.Hour
		s.endpoint.Dial = inMemory(target.Dial)
	}
	return s, nil
}

// inMemory refuses connections that are sockets: in a bubble, time does not move
// on while something waits for one.
func inMemory(dial func(context.Context) (net.Conn, error)) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		conn, err := dial(ctx)
		if _, socket := conn.(syscall.Conn); err == nil && socket {
			_ = conn.Close()
			return nil, errSocket
		}
		return conn, err
	}
}

// window is the profile's.
func (s *session) window() time.Duration {
	if !s.config.profiled && !s.mine {
		return defaultWindow
	}
	return s.config.window
}

func (s *session) profile() string {
	if w := s.window(); w > 0 {
		return fmt.Sprintf("eventual (%v)", w)
	}
	return "strong"
}

// open begins the run. Protocols that are known to be served are not looked for.
func (s *session) open(served []drive.Protocol) {
	plan := drive.Plan{
		Endpoint:  s.endpoint,
		Desktops:  s.target.Desktops.known(),
		Folder:    s.target.Folder,
		Auth:      s.target.Token != "",
		Foreign:   s.target.Foreign,
		Seed:      s.config.seed,
		Bound:     s.budget.Operation,
		Protocols: served,
	}
	if served == nil {
		for _, p := range s.config.protocols {
			plan.Protocols = append(plan.Protocols, p.driven())
		}
	}
	if !s.virtual {
		plan.Budget, plan.Prefix = s.budget.driven(), s.config.prefix+tag()+"-"
	}
	if report := s.config.progress; report != nil {
		plan.Progress = func(p drive.Progress) { report(Progress(p)) }
	}
	s.began = time.Now()
	s.recorder = drive.NewRecorder(func(e *trace.Event) { s.events = append(s.events, e) })
	if !s.virtual {
		s.recorder.Watch()
	}
	s.world = drive.Open(plan, s.recorder)
}

// play looks whether the server can be judged and what its reflection shows, and
// plays the scripts. In real time it goes on at random, so many steps, and deletes
// what it has made.
func (s *session) play(ctx context.Context) {
	if s.found = s.world.Probe(ctx); s.found.Unfit != "" {
		return
	}
	s.shown, s.skipped = s.world.Describe(ctx)
	s.skipped = append(s.skipped, s.world.Play(ctx, drive.Scripts())...)
	if s.virtual {
		return
	}
	if s.world.Over() == nil {
		s.world.Ramble(ctx, drive.Dice{Draw: rand.New(rand.NewPCG(s.config.seed, 0))})
	}
	s.over = s.world.Over()
	clean, cancel := context.WithoutCancel(ctx), context.CancelFunc(func() {})
	if s.budget.Cleanup > 0 {
		clean, cancel = context.WithTimeout(clean, s.budget.Cleanup)
	}
	defer cancel()
	s.left = s.world.Clean(clean)
}

// close ends the run.
func (s *session) close() {
	s.world.Close()
	s.recorder.Rest()
	if s.over == nil {
		s.over = s.world.Over()
	}
	s.requests, s.creates = s.world.Used()
	s.elapsed = s.world.Elapsed()
}

// tag tells the images of one run from those of others in the same folder.
func tag() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 4)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}

// header says who has seen the events.
func (s *session) header() *optestv1.TraceHeader {
	h := &optestv1.TraceHeader{
		Version:  trace.Version,
		Tool:     tool,
		Observer: optestv1.TraceHeader_CLIENT,
		Name:     "conformance",
		Start:    timestamppb.New(s.recorder.Start()),
		Clock:    optestv1.TraceHeader_MONOTONIC,
		Sees: []optestv1.TraceHeader_Sight{
			optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES,
		},
		Target:   s.endpoint.URL.String(),
		Contract: digest(),
		Profile:  s.profile(),
		Seed:     s.config.seed,
	}
	if s.virtual {
		h.Clock = optestv1.TraceHeader_VIRTUAL
	}
	if s.alone() {
		h.Sees = append(h.Sees, optestv1.TraceHeader_ALL_WRITERS)
	}
	return h
}

// alone reports whether nobody else writes to where the run works.
func (s *session) alone() bool { return s.mine || s.config.ownFolder }

// digest is that of the descriptors which events are decoded by, empty if they
// can't be hashed.
func digest() string {
	text, err := trace.ContractDigest(clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto, operation.File_yandex_cloud_operation_operation_service_proto)
	if err != nil {
		return ""
	}
	return text
}

// env is what the rules are told.
func (s *session) env() *rules.Env {
	return &rules.Env{
		Header:   s.header(),
		Window:   s.window(),
		Contract: levels[s.config.contract],
		World:    s.alone(),
		Bound:    s.budget.Operation,
		Desktops: s.target.Desktops.known(),
		Folder:   s.target.Folder,
		Subject:  s.target.Subject,
		Auth:     s.target.Token != "",
		Foreign:  s.target.Foreign,
		Untimed:  s.recorder.Stalls(),

		Descriptors: s.shown,
	}
}

// tool is what writes traces and reports.
const tool = "optest"

// plain is an error's text without what begins all of optest's.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "optest: ") }
