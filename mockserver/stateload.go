package mockserver

import (
	"fmt"
	"math"
	"strings"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// loadState puts what SaveState has returned in the place of the session's own,
// all of it or, with an error that names the field, nothing. Calls under way end
// in the session as it was. The journal stays.
//
// Scenarios that the saved session was started with count as those that this one
// was started with: [Server.Replace] replaces them, and those that this server
// was started with are back with it, or with Reset.
func loadState(c *call, req *optestv1.LoadStateRequest) (*optestv1.LoadStateResponse, error) {
	l := &loading{server: c.server, state: req.GetState()}
	if err := l.read(c.session.name); err != nil {
		return nil, err
	}
	l.begin()
	return &optestv1.LoadStateResponse{}, nil
}

// loading is a session that is being made from a state.
type loading struct {
	server   *Server
	state    *optestv1.SessionState
	session  *session
	now      time.Time // state.now
	playings []*playing
	methods  map[string]startingMethod
}

// startingMethod starts operations on resources.
type startingMethod struct {
	method    *method
	resources func(*session) resources
}

// What a clock can say so that there is a number of nanoseconds for it.
var (
	earliestTime = time.Unix(0, 0).UTC()
	latestTime   = time.Unix(0, math.MaxInt64).UTC()
)

// maxSerial is what the end of an id has room for.
const maxSerial = 1<<(5*serialLength) - 1

// read makes a session of the state that nobody can see yet.
func (l *loading) read(name string) error {
	if l.state == nil {
		return invalid("state", "got nothing, want what SaveState has returned")
	}
	t := l.state.GetNow()
	if t == nil {
		return invalid("state.now", "got nothing, want a time")
	}
	if l.now = t.AsTime(); t.CheckValid() != nil || l.now.Before(earliestTime) || l.now.After(latestTime) {
		return invalid("state.now", "got %s, want %s to %s", l.now.Format(time.RFC3339), earliestTime.Format(time.RFC3339), latestTime.Format(time.RFC3339))
	}
	if speed := l.state.GetSpeed(); !(speed > 0 && speed <= MaxSpeed) {
		return invalid("state.speed", "got %v, want more than 0 and at most %d", speed, MaxSpeed)
	}
	if n := l.state.GetSerial(); n > maxSerial {
		return invalid("state.serial", "got %d, want at most %d", n, uint64(maxSerial))
	}
	var err error
	if l.session, err = newSession(name, l.server.config, given{}); err != nil {
		return err
	}
	if l.methods, err = l.server.startingMethods(); err != nil {
		return err
	}
	l.session.store.seed, l.session.store.serial = l.state.GetSeed(), l.state.GetSerial()
	l.session.images.last = l.state.GetLastImage()
	for _, read := range []func() error{l.scenarios, l.repertoire, l.faults, l.operations, l.keys} {
		if err := read(); err != nil {
			return err
		}
	}
	l.session.images.restore(l.session.store.inOrder())
	return nil
}

// begin starts the session's clock and puts it in the place of the one with its
// name.
func (l *loading) begin() {
	s, ss := l.server, l.session
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	old := s.root.Load()
	if ss.name != "" {
		old = s.sessions.named[ss.name]
	}
	ss.clock = clockAt(l.now, l.state.GetSpeed())
	ss.takeJournal(old)
	s.replace(ss)
}

// scenario is the one in that place of state.scenarios.
func (l *loading) scenario(place uint32, path string) (*playing, error) {
	if uint64(place) >= uint64(len(l.playings)) {
		return nil, invalid(path, "got %d, want the place of one of the %d state.scenarios, from 0", place, len(l.playings))
	}
	return l.playings[place], nil
}

// element is the path of an element of a list.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// startingMethods are the methods that start operations, by package.Service/Method.
func (s *Server) startingMethods() (map[string]startingMethod, error) {
	all := map[string]startingMethod{}
	for _, svc := range s.services() {
		if svc.resources == nil {
			continue
		}
		for i := range svc.desc.Methods().Len() {
			m, err := describe(svc.desc.Methods().Get(i))
			if err != nil {
				return nil, err
			}
			if _, plain := svc.plain[m.desc.Name()]; m.starts && !plain {
				all[strings.TrimPrefix(m.procedure, "/")] = startingMethod{m, svc.resources}
			}
		}
	}
	return all, nil
}
