package rules

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/trace"
)

// readDrawn is a read at some time, over one of some connections, of an operation in
// some state.
func readDrawn(t *rapid.T, n int) *Seen {
	called := time.Duration(rapid.IntRange(0, 60).Draw(t, "called")) * time.Second
	m := &operation.Operation{Id: "fv4", ModifiedAt: timestamppb.New(time.Unix(int64(rapid.IntRange(0, 9).Draw(t, "modified")), 0))}
	switch rank := Rank(rapid.IntRange(0, 2).Draw(t, "rank")); rank {
	case Done:
		m.Done = true
	case Failing:
		m.Result = &operation.Operation_Error{Error: &status.Status{Code: 13}}
	}
	method := rapid.SampledFrom([]string{MethodGet, MethodCancel}).Draw(t, "method")
	connection := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "connection")
	return &Seen{
		Event: &trace.Event{
			Number: uint64(n + 1), Method: method, Caller: &trace.Caller{Connection: connection},
			Called: called, Returned: called + time.Duration(rapid.IntRange(1, 20).Draw(t, "took"))*time.Second,
		},
		Answer: newAnswer(m),
	}
}

// What an operation keeps of its answers says the same of a call as all answers.
func TestOrderKeepsWhatBinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := &Env{Window: time.Duration(rapid.SampledFrom([]int{0, 7}).Draw(t, "window")) * time.Second}
		var reads []*Seen
		for n := range rapid.IntRange(2, 12).Draw(t, "reads") {
			reads = append(reads, readDrawn(t, n))
		}
		slices.SortStableFunc(reads, func(a, b *Seen) int { return int(a.Returned - b.Returned) })
		op := &Op{ID: "fv4"}
		for i, s := range reads {
			var done, failing bool
			var stamp *timestamppb.Timestamp
			for _, a := range reads[:i] {
				if !env.binds(a, s) {
					continue
				}
				done = done || a.Answer.Rank() == Done
				failing = failing || a.Answer.Rank() == Failing
				if m := a.Answer.GetModifiedAt(); stamp == nil || later(m, stamp) {
					stamp = m
				}
			}
			if got := op.doneBefore(env, s) != nil; got != done {
				t.Fatalf("call %d is after done: %t, want %t", s.Number, got, done)
			}
			if got := op.failingBefore(env, s) != nil; got != failing {
				t.Fatalf("call %d is after an early error: %t, want %t", s.Number, got, failing)
			}
			got := op.stampBefore(env, s)
			if (got == nil) != (stamp == nil) || got != nil && !sameTime(got.Answer.GetModifiedAt(), stamp) {
				t.Fatalf("call %d is after the stamp %v, want %v", s.Number, got, stamp)
			}
			op.take(s, &Look{First: s})
		}
	})
}

func TestOrderIsBounded(t *testing.T) {
	op := &Op{ID: "fv4"}
	for n := range 100 {
		s := &Seen{Event: &trace.Event{Caller: &trace.Caller{Connection: fmt.Sprint(n % 50)}, Method: MethodGet, Returned: time.Duration(n)}}
		s.Answer = newAnswer(&operation.Operation{Id: "fv4", ModifiedAt: timestamppb.New(time.Unix(int64(n), 0))})
		op.take(s, &Look{First: s})
	}
	if len(op.order.conns) > maxConns || len(op.order.stamps) > maxStamps || len(op.Looks) > maxLooks {
		t.Errorf("%d connections, %d stamps and %d looks are kept, want at most %d, %d and %d",
			len(op.order.conns), len(op.order.stamps), len(op.Looks), maxConns, maxStamps, maxLooks)
	}
	if last := op.order.on(&Seen{Event: &trace.Event{Caller: &trace.Caller{Connection: "49"}}}); last == nil {
		t.Error("the latest connection is forgotten")
	}
}
