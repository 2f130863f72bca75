package mockserver

import (
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// maxState bounds a state that is loaded, in bytes, where requests in general are
// bounded by less.
const maxState = 64 << 20

func (s *Server) stateBound() int { return max(maxState, s.config.maxBody) }

// controlBounds lets a request of the control API hold a state.
func (s *Server) controlBounds(spec connect.Spec) []connecthttp.Option {
	if desc, ok := spec.Schema.(protoreflect.MethodDescriptor); ok && desc.Parent() == controlService {
		return []connecthttp.Option{connecthttp.WithReadMaxBytes(s.stateBound())}
	}
	return nil
}

// saveState returns all that the session knows but its journal. An operation is in
// it with all that belongs to it, or not at all; of other calls under way, what
// they have done so far.
func saveState(c *call, _ *optestv1.SaveStateRequest) (*optestv1.SaveStateResponse, error) {
	response := &optestv1.SaveStateResponse{State: c.session.save()}
	if n, most := proto.Size(response), c.server.stateBound(); n > most {
		return nil, ownFailure(connect.CodeResourceExhausted, ReasonLimit,
			fmt.Sprintf("the state has %d bytes, want at most %d, which LoadState reads: reset operations first, or start the server with a greater bound of messages", n, most))
	}
	return response, nil
}

// saving is a state that is being written.
type saving struct {
	state    *optestv1.SessionState
	playings []*playing // of state.scenarios
	places   map[*playing]uint32
}

func (ss *session) save() *optestv1.SessionState {
	s := &saving{state: &optestv1.SessionState{}, places: map[*playing]uint32{}}
	// No operation begins meanwhile.
	ss.store.mu.RLock()
	defer ss.store.mu.RUnlock()
	s.state.Seed, s.state.Serial = ss.store.seed, ss.store.serial
	s.repertoire(ss.repertoire)
	for _, op := range ss.store.inOrder() {
		s.state.Operations = append(s.state.Operations, s.operation(op))
	}
	s.state.Keys = savedKeys(ss.store)
	s.state.LastImage = ss.images.latest()
	s.state.Faults = ss.injected.save()
	for i, p := range s.playings {
		p.count(s.state.Scenarios[i])
	}
	// Read at the end: everything that was saved has happened by then.
	now, speed := ss.clock.read()
	s.state.Now, s.state.Speed = timestamppb.New(now), speed
	return s.state
}

func (im *images) latest() string {
	im.mu.RLock()
	defer im.mu.RUnlock()
	return im.last
}
