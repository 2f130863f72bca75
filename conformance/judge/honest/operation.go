package honest

import (
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Job is an operation.
type Job struct {
	course[*operation.Operation] // states are not to be changed
	// undo takes back what the operation has done so far, between two times. Nil:
	// that can't be done.
	undo func(from, until time.Time)
}

// At is the operation as it was or will be. It is not to be changed.
func (j *Job) At(t time.Time) *operation.Operation { return j.at(t) }

// began is the operation as it was when it was started, in which it may have ended.
func (j *Job) began() *operation.Operation { return j.at(j.versions[0].from) }

// Stop has the operation fail because of Cancel: the error shows from a time on,
// and the operation is done at another.
func (j *Job) Stop(from, until time.Time) {
	with := failed(status.New(codes.Canceled, "The operation was cancelled by a user"))
	op := j.at(from)
	if until.After(from) {
		op = changed(op, from, false, with)
		j.turn(from, op)
		j.plan(until, changed(op, until, true, with))
	} else {
		j.turn(from, changed(op, from, true, with))
	}
	j.undo(from, until)
}

// begin starts an operation, with all that is to become of it.
func (c *Core) begin(description string, f Fate, metadata, response proto.Message) *Job {
	now := time.Now()
	j := &Job{}
	op := &operation.Operation{
		Id: c.id("hop"), Description: description, CreatedBy: Caller,
		CreatedAt: timestamppb.New(now), ModifiedAt: timestamppb.New(now), Metadata: Packed(metadata),
	}
	j.plan(now, op)
	end := now.Add(f.Takes)
	switch {
	case f.Failure == nil:
		j.plan(end, changed(op, end, true, succeeded(response)))
	case f.Shows > 0:
		op = changed(op, now.Add(f.Shows), false, failed(f.Failure))
		j.plan(now.Add(f.Shows), op)
		fallthrough
	default:
		j.plan(end, changed(op, end, true, failed(f.Failure)))
	}
	c.jobs[op.GetId()] = j
	return j
}

// changed is the operation's next state. Two changes at one moment have different
// times all the same.
func changed(op *operation.Operation, at time.Time, done bool, result result) *operation.Operation {
	next := proto.CloneOf(op)
	if before := op.GetModifiedAt().AsTime(); !at.After(before) {
		at = before.Add(time.Microsecond)
	}
	next.Done, next.ModifiedAt = done, timestamppb.New(at)
	result(next)
	return next
}

// result sets an operation's error or response.
type result func(*operation.Operation)

func failed(with *status.Status) result {
	return func(op *operation.Operation) { op.Result = &operation.Operation_Error{Error: with.Proto()} }
}

func succeeded(with proto.Message) result {
	return func(op *operation.Operation) { op.Result = &operation.Operation_Response{Response: Packed(with)} }
}

// keyed runs a call that starts an operation, unless one with its key already
// has.
func (c *Core) keyed(call *Call, run func() (*operation.Operation, error)) (proto.Message, error) {
	key, err := c.KeyOf(call)
	if err != nil {
		return nil, err
	}
	if id, ok := c.keys[key]; ok {
		return c.getOperation(id, time.Now())
	}
	op, err := run()
	if err != nil {
		return nil, err
	}
	if key != "" {
		c.keys[key] = op.GetId()
	}
	return proto.CloneOf(op), nil
}

// Replayed is the operation that the key of a call has started, as it is now. It
// reports false without one.
func (c *Core) Replayed(call *Call) (*operation.Operation, bool) {
	if !call.starts() {
		return nil, false
	}
	key, err := c.KeyOf(call)
	if err != nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	op, err := c.getOperation(c.keys[key], time.Now())
	return op, err == nil
}

func (c *Core) getOperation(id string, at time.Time) (*operation.Operation, error) {
	if j, ok := c.jobs[id]; ok {
		if op := j.at(at); op != nil {
			return proto.CloneOf(op), nil
		}
	}
	return nil, notFound("operation", id)
}

func (c *Core) cancelOperation(id string) (*operation.Operation, error) {
	now := time.Now()
	op, err := c.getOperation(id, now)
	if err != nil {
		return nil, err
	}
	if j := c.jobs[id]; !op.GetDone() && op.GetError() == nil && j.undo != nil {
		if err := c.Cancel(j, now); err != nil {
			return nil, err
		}
	}
	return c.getOperation(id, now)
}
