package mockserver

import (
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// knows is the operation of that id, if the server knows it over the call's
// protocol.
func (c *call) knows(id string) (*longRunning, bool) {
	op, ok := c.session.store.operation(id)
	if !ok || op.marks&knownByProtocol == 0 {
		return op, ok
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	return op, op.tallied().home == c.record.Protocol
}

// imagines is the operation that a quirk makes of an id that is not known, or
// nil.
func (c *call) imagines(id string, ways ...optestv1.QuirkFault_Kind) *operation.Operation {
	for _, way := range ways {
		if !c.quirk(way, nil) {
			continue
		}
		m := &operation.Operation{
			Id: id, Description: "Copy from desktop", CreatedBy: subject,
			CreatedAt: timestamppb.New(c.now), ModifiedAt: timestamppb.New(c.now),
		}
		switch way {
		case optestv1.QuirkFault_UNKNOWN_IS_DONE:
			m.Done, m.Result = true, &operation.Operation_Response{Response: &anypb.Any{TypeUrl: typeURLPrefix + "google.protobuf.Empty"}}
		case optestv1.QuirkFault_UNKNOWN_IS_CANCELLED:
			m.Done, m.Result = true, &operation.Operation_Error{Error: cancelled()}
		}
		return m
	}
	return nil
}

func cancelled() *status.Status {
	return &status.Status{Code: int32(code.Code_CANCELLED), Message: "The operation is cancelled"}
}

// victim is the operation that a Cancel of op really cancels.
func (c *call) victim(op *longRunning) *longRunning {
	if !c.quirk(optestv1.QuirkFault_CANCEL_HITS_NEWEST, op.playing) {
		return op
	}
	c.session.store.mu.RLock()
	defer c.session.store.mu.RUnlock()
	if newest := c.session.store.latest; newest != nil {
		return newest
	}
	return op // the newest was forgotten
}

// undo is what a Cancel does to an operation beyond what its scenario says. It is
// called before the operation is cancelled, with what it looks like then.
func (c *call) undo(op *longRunning, st engine.State) {
	if !c.quirky(op.playing) {
		return
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	after := st
	after.Modified = max(op.age(c.now), st.Modified+1)
	after.Response = nil
	switch {
	case st.Phase.Done() && c.quirk(optestv1.QuirkFault_CANCEL_OVERWRITES, op.playing):
		after.Phase, after.Error, after.Step = engine.Failed, cancelled(), "overwritten@cancel"
	case op.life().Cancelled != nil && c.quirk(optestv1.QuirkFault_CANCEL_RESTARTS, op.playing):
		after.Phase, after.Error, after.Step = engine.Running, nil, "restarted@cancel"
	default:
		return
	}
	op.tallied().fixed = &after
}

// doom ends the operation at its birth.
func (op *longRunning) doom(err *status.Status) {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.tallied().fixed = &engine.State{Phase: engine.Failed, Step: "refused@" + time.Duration(0).String(), Error: err}
}

// tallied is the tally to change.
func (op *longRunning) tallied() *tally {
	if op.tally == nil {
		op.tally = &tally{}
	}
	return op.tally
}
