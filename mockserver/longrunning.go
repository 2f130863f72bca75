package mockserver

import (
	"context"
	"regexp"
	"strings"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// subject is who is said to have created an operation: the fake token service
// issues tokens for nobody else.
const subject = "ajeoptestuser0000000"

// start serves a method that starts an operation.
func (s *Server) start(m *method) connect.Method {
	return s.unary(m, guarded, func(ctx context.Context, c *call, request proto.Message) (proto.Message, error) {
		key, err := c.keyFor(m, request)
		if err != nil {
			return nil, err
		}
		if err := c.burnt(key); err != nil {
			return nil, err
		}
		commit := s.commit
		if key.key != "" && c.quirk(optestv1.QuirkFault_KEY_RACE, c.guess) {
			commit = s.race
		}
		op, b, err := commit(ctx, c, m, request, key)
		if err != nil {
			s.burn(c, m, err)
			return nil, err
		}
		c.struck(b)
		if op == nil {
			return nil, b.fall(ctx, c)
		}
		if c.doom != nil {
			op.doom(c.doom)
		}
		st := op.state(c.now)
		if c.quirk(optestv1.QuirkFault_KEY_ANSWERS_OLD_STATE, op.playing) {
			st = op.stateAt(0)
		}
		c.plays(op, st)
		return s.answer(ctx, c, op, st, b)
	})
}

// answer lets the blow fall on the call, and answers with the operation in state
// st unless the blow has another answer.
func (s *Server) answer(ctx context.Context, c *call, op *longRunning, st engine.State, b blow) (proto.Message, error) {
	if err := b.fall(ctx, c); err != nil {
		return nil, err
	}
	if age, ok := b.disguise.asOf(); ok {
		st = op.stateAt(age)
	}
	message, err := op.message(st)
	if err != nil {
		return nil, err
	}
	c.embellish(op, message)
	if b.disguise.none() {
		return message, nil
	}
	var earlier *operation.Operation
	if before := c.session.store.earlier(op); before != nil {
		if earlier, err = before.message(before.state(c.now)); err != nil {
			return nil, err
		}
	}
	message = proto.CloneOf(message) // it shares its error with the plan
	c.spoilt, err = b.disguise.apply(message, earlier, c.now)
	return message, err
}

// commit chooses the scenario, lets its faults strike and, unless one of them
// prevents it, starts the operation or finds the one that the key has started.
// All of it is one step: of concurrent calls with one key, one starts.
func (s *Server) commit(_ context.Context, c *call, m *method, request proto.Message, key keyed) (*longRunning, blow, error) {
	ss := c.session
	ss.store.mu.Lock()
	defer ss.store.mu.Unlock()
	if op, ok := ss.store.keys[key]; ok && key.key != "" {
		return op, s.strikeCreate(op.playing, c), nil
	}
	in := incoming{method: m, request: request.ProtoReflect(), header: c.info.RequestHeader()}
	p, named, err := ss.repertoire.choose(in)
	if err != nil {
		return nil, blow{}, err
	}
	b := s.strikeCreate(p, c)
	if !b.commits() {
		c.scenario(p, "")
		return nil, b, nil
	}
	op, err := ss.store.start(m, m.resources(ss), p, c.keeps(m, p, request), c.now, named, c.marks(p))
	if err != nil {
		return nil, blow{}, err
	}
	if key.key != "" {
		ss.store.keys[key] = op
	}
	if op.marks&knownByProtocol != 0 {
		op.tallied().home = c.record.Protocol
	}
	return op, b, nil
}

// strikeCreate is called with the store's lock held.
func (s *Server) strikeCreate(p *playing, c *call) blow {
	t := target{on: optestv1.Fault_CREATE, call: c, seed: c.session.store.seed}
	b := strike(p.faults, &p.creates, t)
	c.session.injected.strike(&b, t, p, "")
	return b
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// idempotencyKey is the key in its one spelling: "The header must contain the
// UUID", in lower or upper case.
func idempotencyKey(header string) (string, error) {
	key := strings.ToLower(header)
	if key != "" && !uuid.MatchString(key) {
		return "", invalid(headerKey, "got %s, want a UUID", quoted(header))
	}
	return key, nil
}

// getOperation serves OperationService.Get.
func (s *Server) getOperation(ctx context.Context, c *call, request proto.Message) (proto.Message, error) {
	id := request.(*operation.GetOperationRequest).GetOperationId()
	op, ok := c.knows(id)
	if !ok {
		if m := c.imagines(id, optestv1.QuirkFault_UNKNOWN_IS_DONE, optestv1.QuirkFault_UNKNOWN_IS_RUNNING); m != nil {
			return m, nil
		}
		return nil, notFound("Operation", id)
	}
	b := op.strike(c.now, target{on: optestv1.Fault_GET, call: c})
	look := op.state
	if b.commits() {
		look = op.poll
	}
	st := look(c.now)
	c.plays(op, st)
	c.struck(b)
	return s.answer(ctx, c, op, st, b)
}

// cancelOperation serves OperationService.Cancel: "the server returns the
// `Operation` object with the current status of the operation being canceled".
func (s *Server) cancelOperation(ctx context.Context, c *call, request proto.Message) (proto.Message, error) {
	id := request.(*operation.CancelOperationRequest).GetOperationId()
	op, ok := c.knows(id)
	if !ok {
		if m := c.imagines(id, optestv1.QuirkFault_UNKNOWN_IS_CANCELLED); m != nil {
			return m, nil
		}
		return nil, notFound("Operation", id)
	}
	b := op.strike(c.now, target{on: optestv1.Fault_CANCEL, call: c})
	st := op.state(c.now)
	refusal := op.playing.plan.Refusal()
	if b.commits() && refusal == nil {
		c.undo(op, st)
		c.victim(op).cancel(c.now)
		st = op.state(c.now)
	}
	c.plays(op, st)
	c.struck(b)
	if refusal != nil && st.Phase == engine.Running {
		if err := b.fall(ctx, c); err != nil {
			return nil, err
		}
		return nil, b.disguise.failed(scripted(refusal))
	}
	return s.answer(ctx, c, op, st, b)
}
