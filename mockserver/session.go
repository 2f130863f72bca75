package mockserver

import (
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
)

// HeaderSession is the request header that names the session of a call. Sessions
// share nothing but the scenarios that the server was started with, so that test
// suites can run on one server side by side. Calls without the header are in the
// session without a name.
const HeaderSession = "x-optest-session"

// Bounds of what a client can name.
const (
	maxSessions    = 1000
	maxSessionName = 100
)

// session is one world that clients can't see out of: its own clock, operations
// and resources, scenarios and journal.
type session struct {
	name       string
	born       time.Time // by its clock
	clock      *clock
	store      *store
	images     *images
	others     *unkept
	repertoire *repertoire
	journal    *journal
	moved      time.Duration // what the journal has been moved by when it began with this session's clock
	injected   injections
	gone       chan struct{} // closed when another session has taken its place
}

func newSession(name string, c config, g given) (*session, error) {
	seed := c.seed
	if name != "" {
		h := fnv.New64a()
		_, _ = h.Write([]byte(name))
		seed = mix(seed ^ h.Sum64())
	}
	ss := &session{
		name:       name,
		clock:      newClock(c.speed),
		store:      newStore(c.maxOperations, seed),
		repertoire: newRepertoire(),
		journal:    newJournal(c.journal),
		gone:       make(chan struct{}),
	}
	ss.born = ss.clock.now()
	ss.images = newImages(ss.store)
	ss.others = &unkept{newID: ss.store.newID}
	if err := ss.repertoire.give(g); err != nil {
		return nil, err
	}
	return ss, nil
}

// renew puts a new session in the place of the one with that name. Calls under
// way end in the old one.
func (s *Server) renew(name string) error {
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	ss, err := newSession(name, s.config, s.given())
	if err != nil {
		return err
	}
	s.replace(ss)
	return nil
}

// replace puts a session in the place of the one with its name. The caller holds
// the lock of the sessions.
func (s *Server) replace(ss *session) {
	var old *session
	if ss.name == "" {
		old = s.root.Swap(ss)
	} else {
		old = s.sessions.named[ss.name]
		s.sessions.named[ss.name] = ss
	}
	if old != nil {
		close(old.gone)
	}
}

// sessions are those that clients have named, by name.
type sessions struct {
	mu    sync.RWMutex
	named map[string]*session
}

// session returns the session of that name, which is made when it is first
// named.
func (s *Server) session(name string) (*session, error) {
	if name == "" {
		return s.root.Load(), nil
	}
	s.sessions.mu.RLock()
	ss, ok := s.sessions.named[name]
	s.sessions.mu.RUnlock()
	if ok {
		return ss, nil
	}
	if len(name) > maxSessionName {
		return nil, invalid(HeaderSession, "got a name of %d bytes, want at most %d", len(name), maxSessionName)
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	if ss, ok := s.sessions.named[name]; ok {
		return ss, nil
	}
	if len(s.sessions.named) >= maxSessions {
		return nil, ownFailure(connect.CodeResourceExhausted, ReasonLimit,
			fmt.Sprintf("%d sessions are open, want fewer than the bound of %d", len(s.sessions.named), maxSessions))
	}
	ss, err := newSession(name, s.config, s.given())
	if err != nil {
		return nil, err
	}
	if s.sessions.named == nil {
		s.sessions.named = map[string]*session{}
	}
	s.sessions.named[name] = ss
	return ss, nil
}
