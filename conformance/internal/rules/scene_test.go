package rules

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// scene records calls as the driver does, with answers that a test makes up.
type scene struct {
	t      testing.TB
	env    *Env
	now    time.Duration
	events []*trace.Event
	store  *trace.Store
	// cost is how long a call takes; in a moment, all of them begin at once.
	cost   time.Duration
	moment bool

	server *server
}

// sceneStart is the wall clock's time at which scenes begin.
var sceneStart = time.Date(2026, time.March, 5, 12, 0, 0, 123_456_789, time.UTC)

func newScene(t testing.TB) *scene {
	s := &scene{t: t, store: trace.NewStore(0), cost: 2 * time.Millisecond, env: &Env{
		Header: &optestv1.TraceHeader{
			Start:    timestamppb.New(sceneStart),
			Clock:    optestv1.TraceHeader_MONOTONIC,
			Observer: optestv1.TraceHeader_CLIENT,
			Sees: []optestv1.TraceHeader_Sight{
				optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA,
				optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES, optestv1.TraceHeader_ALL_WRITERS,
			},
		},
		Contract: Guide,
		World:    true,
		Bound:    10 * time.Minute,
		Desktops: Desktops{Succeeds: "desk-succeeds", Fails: "desk-fails", FailsLate: "desk-fails-late", Absent: "desk-absent"},
		Folder:   "folder-of-run",
		Subject:  "aje-caller",
		Auth:     true,
		Foreign:  "fv4-of-somebody-else",
	}}
	s.server = &server{scene: s}
	return s
}

// wait lets time go by.
func (s *scene) wait(d time.Duration) { s.now += d }

// together makes calls that all begin at once, and end one after another.
func (s *scene) together(calls func()) {
	s.now += time.Millisecond
	s.moment = true
	calls()
	s.moment = false
	for _, e := range s.events {
		s.now = max(s.now, e.Returned)
	}
}

// stamp is a moment as a server shows it, in the given unit.
func stamp(at, unit time.Duration) *timestamppb.Timestamp {
	return timestamppb.New(sceneStart.Add(at).Truncate(unit))
}

// wire is a protocol with its encoding.
type wire int

const (
	overGRPC wire = iota
	overWeb
	overConnect
	overConnectJSON
	overREST
)

var wires = []wire{overGRPC, overWeb, overConnect, overConnectJSON, overREST}

func (w wire) String() string {
	return [...]string{"grpc", "grpc-web", "connect", "connect-json", "rest"}[w]
}

func (w wire) protocol() optestv1.Event_Protocol {
	return [...]optestv1.Event_Protocol{optestv1.Event_GRPC, optestv1.Event_GRPC_WEB, optestv1.Event_CONNECT, optestv1.Event_CONNECT, optestv1.Event_REST}[w]
}

func (w wire) codec() optestv1.Event_Codec {
	if w == overConnectJSON || w == overREST {
		return optestv1.Event_JSON
	}
	return optestv1.Event_PROTO
}

func (w wire) contentType() string {
	return [...]string{"application/grpc+proto", "application/grpc-web+proto", "application/proto", "application/json", "application/json"}[w]
}

// client is a connection of a reader.
type client struct {
	*scene
	wire   wire
	caller *trace.Caller
}

func (s *scene) client(reader string, w wire) *client {
	return &client{scene: s, wire: w, caller: &trace.Caller{Connection: reader + "/" + w.String(), Reader: reader}}
}

// key is the header of an idempotent request.
func key(value string) trace.Field { return trace.Field{Name: "idempotency-key", Value: value} }

// anonymous takes the token from a request.
var anonymous = trace.Field{Name: "authorization"}
