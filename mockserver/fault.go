package mockserver

import (
	"context"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/status"

	"github.com/optest-dev/optest/mockserver/engine"
	"github.com/optest-dev/optest/mockserver/internal/breakage"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// fault is an optestv1.Fault made ready.
type fault struct {
	*optestv1.Fault
	status  *status.Status
	applied AppliedFault // what the record of a call that it hits says
}

// strikes counts, for each fault of a scenario, the calls that it was for and
// those that it hit. The owner's lock guards it.
type strikes []struct{ seen, hit uint32 }

// target is what a fault's conditions are held against.
type target struct {
	on       optestv1.Fault_On
	call     *call
	phase    engine.Phase
	hasPhase bool // false: the call is about no operation, or creates one
	seed     uint64
	// connection numbers the connections that have read the operation, from 1.
	// 0: the call is about no operation, or no fault asks.
	connection uint32
}

// blow is what all faults that hit one call do to it, in the order of their
// layers.
type blow struct {
	applied     []AppliedFault
	delay       time.Duration
	status      *status.Status
	trailers    map[string]string
	hang        bool
	afterCommit bool
	headers     map[string]string
	disguise    disguise
	http        *optestv1.HttpFault
	transports  []*optestv1.TransportFault
}

// newFaults takes the name of the scenario that has them, empty if they were
// injected.
func newFaults(list []*optestv1.Fault, scenario string) []fault {
	var faults []fault
	for _, f := range list {
		if f.GetQuirk() != nil {
			continue // see newQuirks
		}
		label := f.GetName()
		if label == "" {
			label = effectName(f)
		}
		made := newFault(f, label, scenario)
		if st := f.GetStatus().GetStatus(); f.GetStatus() != nil {
			made.status = &status.Status{Code: int32(st.GetCode()), Message: st.GetMessage(), Details: st.GetDetails()}
		}
		faults = append(faults, made)
	}
	return faults
}

func newFault(f *optestv1.Fault, label, scenario string) fault {
	return fault{Fault: f, applied: AppliedFault{Name: label, Effect: effectName(f), Scenario: scenario}}
}

// effectName is that of the field with the fault's effect, such as `delay`.
func effectName(f *optestv1.Fault) string {
	m := f.ProtoReflect()
	if effect := m.WhichOneof(m.Descriptor().Oneofs().ByName("effect")); effect != nil {
		return string(effect.Name())
	}
	return "fault"
}

// strike counts the call and returns what hits it.
func strike(faults []fault, counts *strikes, t target) blow {
	var b blow
	if len(faults) == 0 {
		return b
	}
	if *counts == nil {
		*counts = make(strikes, len(faults))
	}
	for i, f := range faults {
		if !f.isFor(t) {
			continue
		}
		n := &(*counts)[i]
		n.seen++
		if !f.hits(n.seen, n.hit, draw(t.seed, uint64(i), uint64(n.seen))) {
			continue
		}
		n.hit++
		b.add(f, draw(t.seed, uint64(i), uint64(n.seen)|1<<40))
	}
	return b
}

func (f fault) isFor(t target) bool {
	switch {
	case f.GetOn() == optestv1.Fault_ANY:
	case f.GetOn() != optestv1.Fault_ON_UNSPECIFIED && f.GetOn() == t.on:
	case f.GetMethod() != "" && matchesMethod(pattern(f.GetMethod()), t.call.record.Method):
	default:
		return false
	}
	if from, until := f.GetFromPhase(), f.GetUntilPhase(); from != 0 || until != 0 {
		phase := faultPhase(t.phase)
		if !t.hasPhase || phase < from || until != 0 && phase > until {
			return false
		}
	}
	if n := f.GetReader().GetConnection(); n != 0 && n != t.connection {
		return false
	}
	return f.isOver(t.call.record.Protocol, t.call.header)
}

// isOver holds a call's protocol and headers against those that f is for.
func (f fault) isOver(protocol string, header func(name string) string) bool {
	if protocols := f.GetProtocols(); len(protocols) > 0 && !slices.Contains(protocols, protocolOf(protocol)) {
		return false
	}
	for name, want := range f.GetReader().GetHeaders() {
		if !pattern(want).matches(header(name)) {
			return false
		}
	}
	return true
}

// hits says whether the seen-th call that f is for is one of its own, given how
// many it has hit and a number drawn between 0 and 1.
func (f fault) hits(seen, hit uint32, drawn float64) bool {
	from, to := max(1, f.GetCalls().GetFrom()), f.GetCalls().GetTo()
	switch {
	case seen < from || to != 0 && seen > to:
		return false
	case (seen-from)%max(1, f.GetEvery()) != 0:
		return false
	case f.GetTimes() != 0 && hit >= f.GetTimes():
		return false
	}
	return f.GetProbability() == 0 || drawn < f.GetProbability()
}

func (b *blow) add(f fault, drawn float64) {
	switch e := f.GetEffect().(type) {
	case *optestv1.Fault_Status:
		// The first status of the list is the answer.
		if b.status == nil {
			b.status, b.trailers = f.status, e.Status.GetTrailers()
			b.afterCommit = b.afterCommit || e.Status.GetAfterCommit()
		}
	case *optestv1.Fault_Delay:
		b.delay += e.Delay.GetBy().AsDuration() + time.Duration(drawn*float64(e.Delay.GetJitter().AsDuration()))
	case *optestv1.Fault_Hang:
		b.hang = true
		b.afterCommit = b.afterCommit || e.Hang.GetAfterCommit()
	case *optestv1.Fault_Headers:
		if b.headers == nil {
			b.headers = map[string]string{}
		}
		for name, value := range e.Headers.GetSet() {
			b.headers[name] = value
		}
	case *optestv1.Fault_Answer:
		b.disguise.answers = append(b.disguise.answers, e.Answer)
	case *optestv1.Fault_Clock:
		b.disguise.clocks = append(b.disguise.clocks, e.Clock)
	case *optestv1.Fault_Json:
		b.disguise.shapes = append(b.disguise.shapes, e.Json.GetShape())
	case *optestv1.Fault_Http:
		// The first page of the list is the answer.
		if b.http == nil {
			b.http = e.Http
			b.afterCommit = b.afterCommit || e.Http.GetAfterCommit()
		}
	case *optestv1.Fault_Transport:
		b.transports = append(b.transports, e.Transport)
		b.afterCommit = b.afterCommit || e.Transport.GetAfterCommit()
	}
	b.applied = append(b.applied, f.applied)
}

// commits reports whether the call takes effect although its answer may be lost.
func (b blow) commits() bool { return b.afterCommit || !b.prevents() }

// prevents reports whether something comes instead of the call's own answer.
func (b blow) prevents() bool {
	return b.status != nil || b.hang || b.http != nil || slices.ContainsFunc(b.transports, func(t *optestv1.TransportFault) bool {
		return t.GetKind() < optestv1.TransportFault_HALF_FRAME && t.GetKind() != optestv1.TransportFault_GOAWAY_GRACEFUL
	})
}

// fall delays, hangs, breaks or fails the call. Nil: the answer goes out.
func (b blow) fall(ctx context.Context, c *call) error {
	if b.delay > 0 {
		if c.quirk(optestv1.QuirkFault_DEADLINE_IGNORED, c.played) {
			ctx = context.WithoutCancel(ctx)
		}
		if err := c.session.clock.sleep(ctx, b.delay, c.server.closing); err != nil {
			return err
		}
	}
	if b.hang {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.server.closing:
			return connect.NewError(connect.CodeUnavailable, "optest: the server closes")
		}
	}
	for name, value := range b.headers {
		c.labels.Del(name)
		if value == "" {
			c.info.ResponseHeader().Delete(name)
			continue
		}
		c.info.ResponseHeader().Set(name, value)
	}
	if err := b.breaks(ctx); err != nil {
		return err
	}
	if b.status != nil {
		for name, value := range b.trailers {
			c.info.ResponseTrailer().Set(name, value)
		}
		return b.disguise.failed(scripted(b.status))
	}
	if !b.commits() {
		return connect.NewError(connect.CodeUnavailable, "optest: a fault has taken the answer's place")
	}
	return nil
}

// breaks has the answer replaced or broken off on its way out. What the call's
// protocol has no place for is an error of optest's own.
func (b blow) breaks(ctx context.Context) error {
	if b.http == nil && len(b.transports) == 0 {
		return nil
	}
	answer, ok := breakage.From(ctx)
	if !ok {
		return ownFailure(connect.CodeInternal, ReasonFault, "the call came in by no connection, want one that can be broken")
	}
	if b.http != nil {
		if err := answer.Instead(b.http); err != nil {
			return ownFailure(connect.CodeFailedPrecondition, ReasonFault, strings.TrimPrefix(err.Error(), "optest: "))
		}
	}
	for _, t := range b.transports {
		if err := answer.Break(t); err != nil {
			return ownFailure(connect.CodeFailedPrecondition, ReasonFault, strings.TrimPrefix(err.Error(), "optest: "))
		}
	}
	return nil
}

func faultPhase(p engine.Phase) optestv1.Fault_Phase {
	switch p {
	case engine.Running:
		return optestv1.Fault_RUNNING
	case engine.Failing:
		return optestv1.Fault_FAILING
	}
	return optestv1.Fault_DONE
}

func protocolOf(name string) optestv1.Fault_Protocol {
	switch name {
	case connect.ProtocolNameGRPC:
		return optestv1.Fault_GRPC
	case connect.ProtocolNameGRPCWeb:
		return optestv1.Fault_GRPC_WEB
	case connect.ProtocolNameConnect:
		return optestv1.Fault_CONNECT
	}
	return optestv1.Fault_REST
}

// draw is a number between 0 and 1 that depends on its arguments alone, so that
// the same seed gives the same run.
func draw(seed, fault, n uint64) float64 {
	return float64(mix(mix(seed^fault*0x9e3779b97f4a7c15)+n)>>11) / (1 << 53)
}

// mix is the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
