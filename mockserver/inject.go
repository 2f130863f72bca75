package mockserver

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// injections are the faults of a session that belong to no scenario. They strike
// after those of the scenario, in the order in which they were injected, and
// count over the whole session.
type injections struct {
	some atomic.Bool
	mu   sync.Mutex
	list []*injection
}

type injection struct {
	fault     []fault  // one, or
	quirks    []*quirk // one
	operation string   // empty: any
	scenario  string   // empty: any
	counts    strikes
}

// Inject adds a fault to whatever is played from now on: `calls`, `every` and
// `times` count over all operations. A fault that does not validate fails the
// test as [Server.Play] does.
func (s *Server) Inject(f *optestv1.Fault) {
	if s.tb != nil {
		s.tb.Helper()
	}
	if err := s.root.Load().injected.add(&optestv1.InjectRequest{Fault: proto.CloneOf(f)}); err != nil {
		s.mistake(err)
	}
}

func (in *injections) add(req *optestv1.InjectRequest) error {
	one, err := newInjection(req)
	if err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.list) >= maxInjected {
		return tooMany("injected faults", len(in.list)+1, maxInjected)
	}
	in.some.Store(true)
	in.list = append(in.list, one)
	return nil
}

// newInjection keeps the fault, which nobody may change any more.
func newInjection(req *optestv1.InjectRequest) (*injection, error) {
	// A scenario around the fault, for the one validator.
	around := &optestv1.Scenario{NeverDone: true, Faults: []*optestv1.Fault{req.GetFault()}}
	if problems := fixtures.Validate(around); len(problems) > 0 {
		var b strings.Builder
		b.WriteString("optest: the fault can't be injected")
		for _, p := range problems {
			fmt.Fprintf(&b, "\n  %s: %s", strings.TrimPrefix(p.Path, "faults[0]."), p.Message)
		}
		return nil, errors.New(b.String())
	}
	if req.GetFault().GetQuirk() != nil && req.GetOperationId() != "" {
		return nil, errors.New("optest: the fault can't be injected: a quirk is the server's, want no operation_id with it")
	}
	return &injection{
		fault:     newFaults(around.GetFaults(), ""),
		quirks:    newQuirks(around.GetFaults(), ""),
		operation: req.GetOperationId(),
		scenario:  req.GetScenario(),
	}, nil
}

func (in *injections) clear() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.list = nil
	in.some.Store(false)
}

// none spares a call the lock.
func (in *injections) none() bool { return !in.some.Load() }

// strike adds to b what hits a call that is played by p, about the operation with
// the id, if any.
func (in *injections) strike(b *blow, t target, p *playing, operation string) {
	if in.none() {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, one := range in.list {
		if one.operation != "" && one.operation != operation || one.scenario != "" && (p == nil || one.scenario != p.name()) {
			continue
		}
		t.seed = mix(t.seed + uint64(i) + 1)
		b.join(strike(one.fault, &one.counts, t))
	}
}

// join adds what other does, after what b does.
func (b *blow) join(other blow) {
	b.applied = append(b.applied, other.applied...)
	b.delay += other.delay
	b.hang = b.hang || other.hang
	b.afterCommit = b.afterCommit || other.afterCommit
	if b.status == nil {
		b.status, b.trailers = other.status, other.trailers
	}
	for name, value := range other.headers {
		if b.headers == nil {
			b.headers = map[string]string{}
		}
		b.headers[name] = value
	}
	if b.http == nil {
		b.http = other.http
	}
	b.transports = append(b.transports, other.transports...)
	b.disguise.answers = append(b.disguise.answers, other.disguise.answers...)
	b.disguise.clocks = append(b.disguise.clocks, other.disguise.clocks...)
	b.disguise.shapes = append(b.disguise.shapes, other.disguise.shapes...)
}
