package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/trace"
)

// observes has a checker see the calls that it has not seen yet.
func observes(c *Checker, s *scene, plays func()) {
	before := len(s.events)
	plays()
	for _, e := range s.events[before:] {
		c.Observe(e)
	}
}

// What is left of an operation that was forgotten is compared with what is seen of
// it later, where that binds.
func TestWhatIsLeftOfOperations(t *testing.T) {
	recoded := func(m *operation.Operation) {
		m.Result = &operation.Operation_Error{Error: coded(m.GetError(), int32(code.Code_INTERNAL))}
	}
	for _, tt := range []struct {
		rule, name string
		window     time.Duration
		ends       bool
		change     func(*operation.Operation)
		want       Verdict
	}{
		{"LRO-01", "in progress again", 0, true, pending, Fail},
		{"LRO-01", "in progress, for a replica", time.Hour, true, pending, NotExercised},
		{"LRO-01", "in progress still", 0, false, func(*operation.Operation) {}, NotExercised},
		{"LRO-01", "done", 0, true, func(*operation.Operation) {}, Pass},
		{"LRO-02", "another outcome", 0, true, func(m *operation.Operation) { flip(m, nil) }, Fail},
		{"LRO-02", "another outcome, for a replica", time.Hour, true, func(m *operation.Operation) { flip(m, nil) }, Fail},
		{"LRO-02", "the end after that", 0, false, func(m *operation.Operation) { m.Done = true; flip(m, nil) }, NotExercised},
		{"LRO-03", "another code", 0, true, recoded, Fail},
		{"LRO-03", "the same code", 0, true, func(*operation.Operation) {}, Pass},
		{"REQ-09", "known after all", 0, false, func(*operation.Operation) {}, NotExercised},
	} {
		t.Run(tt.rule+"/"+tt.name, func(t *testing.T) {
			s := newScene(t)
			s.env.Window = tt.window
			c := NewChecker(s.env, []*Rule{Find(tt.rule)})
			live(time.Nanosecond, func(l *living) {
				observes(c, s, func() {
					if tt.ends {
						l.failing(code.Code_ABORTED, "Disk is gone")
						l.ends()
						l.a.reads(l.life)
					}
				})
				for _, e := range s.events[:1] {
					c.Observe(e)
				}
				c.forget(c.ops[l.op.GetId()])
				l.wait(time.Minute)
				observes(c, s, func() { l.showing(tt.change, func() { l.a.reads(l.life) }) })
				if r := c.End()[0]; r.Verdict != tt.want {
					t.Errorf("got %s\nwant %s", describe(r), tt.want)
				}
				if c.Evicted() != 1 {
					t.Errorf("%d operations were forgotten, want 1", c.Evicted())
				}
			})(s)
		})
	}
}

// Those that are done are forgotten first, by the order of their ends.
func TestWhoIsForgottenFirst(t *testing.T) {
	s := newScene(t)
	check := NewChecker(s.env, nil)
	r := s.client("first", overGRPC)
	var lives []*life
	observes(check, s, func() {
		for range 4 {
			lives = append(lives, r.begins(MethodCreate, copyOf(s, "n", "d"), time.Second))
		}
		for _, n := range []int{2, 1} {
			lives[n].succeeds()
			r.reads(lives[n])
		}
	})
	var order []int
	for len(check.ops) > 0 {
		old := check.over.first
		if old == nil {
			old = check.open.first
		}
		check.forget(old)
		for n, l := range lives {
			if l.op.GetId() == old.ID {
				order = append(order, n)
			}
		}
	}
	if got, want := fmt.Sprint(order), "[2 1 0 3]"; got != want {
		t.Errorf("forgotten in the order %s, want %s", got, want)
	}
	if len(check.images) > 0 || check.size != 0 || check.open.last != nil || check.over.last != nil {
		t.Errorf("%d images and %d bytes are left of what was forgotten, want none", len(check.images), check.size)
	}
}

// Answers may be long: what is kept is bounded by bytes, too.
func TestCheckerIsBoundedByBytes(t *testing.T) {
	s := newScene(t)
	check := NewChecker(s.env, nil)
	r := s.client("first", overGRPC)
	long := strings.Repeat("d", 1<<20)
	for n := range 100 {
		observes(check, s, func() {
			l := s.server.make(MethodCreate, copyOf(s, "n", "d"), time.Second)
			l.op.Description = long
			l.answers(r)
			for i := range 12 * (1 - min(n, 1)) { // many of the first
				l.op.Description = long + fmt.Sprint(i)
				r.reads(l)
			}
		})
		s.events = nil
	}
	kept := 0
	for _, op := range check.ops {
		kept += op.size
		if op.size > maxLooksSize+1<<21 {
			t.Errorf("%d bytes are kept of one operation, want about %d", op.size, maxLooksSize)
		}
	}
	if kept != check.size || kept > maxSize+1<<22 {
		t.Errorf("%d bytes are kept, counted as %d, want about %d", kept, check.size, maxSize)
	}
}

// One answer in different bytes is one look.
func TestLooksAreDistinct(t *testing.T) {
	s := newScene(t)
	check := NewChecker(s.env, nil)
	live(time.Nanosecond, func(l *living) {
		l.failing(code.Code_ABORTED, "Disk is gone")
		l.op.GetError().Details = append(l.op.GetError().Details, l.server.packed(&errdetails.ErrorInfo{Metadata: map[string]string{"a": "1", "b": "2"}}))
		l.ends()
		l.a.reads(l.life)
		l.b.reads(l.life) // in JSON
		other := proto.CloneOf(l.op)
		a := other.GetError().GetDetails()[1]
		tags, _ := Tags(a.GetValue())
		tags[0], tags[1] = tags[1], tags[0]
		a.Value = encodeTags(tags)
		l.op = other
		l.a.reads(l.life)
	})(s)
	for _, e := range s.events {
		check.Observe(e)
	}
	op := check.ops[operationOf(check.decoder.see(s.events[0]))]
	if len(op.Looks) != 2 || op.Looks[1].Count != 3 {
		t.Errorf("%d looks, the last seen %d times, want 2 and 3", len(op.Looks), op.Looks[len(op.Looks)-1].Count)
	}
}

func TestOperationOfACall(t *testing.T) {
	d := newDecoder()
	for _, tt := range []struct{ method, request, want string }{
		{MethodGet, "GET /operations/fv4", "fv4"},
		{MethodGet, "HEAD /operations/fv4", ""},
		{MethodCancel, "GET /operations/fv4:cancel", "fv4"},
		{MethodCancel, "POST /operations/fv4:cancel?x=y", "fv4"},
		{MethodCancel, "POST /operations/a%2Fb:cancel", "a/b"},
		{MethodCancel, "HEAD /operations/fv4:cancel", ""},
		{MethodCancel, "POST /operations/fv4", ""},
		{MethodCancel, "POST", ""},
	} {
		s := d.see(&trace.Event{Method: tt.method, HTTPRequest: tt.request, Protocol: overREST.protocol()})
		if got := operationOf(s); got != tt.want {
			t.Errorf("%s is about operation %q, want %q", tt.request, got, tt.want)
		}
	}
}

func TestPackedGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Gone{
			Outcome: rapid.SampledFrom([]byte("ner")).Draw(t, "outcome"),
			Code:    rapid.Int32Range(-maxGoneCode, maxGoneCode).Draw(t, "code"),
			Done:    time.Duration(rapid.Int64Range(0, maxGoneMilli).Draw(t, "done")) * time.Millisecond,
		}
		if got := g.packed().unpacked(); got != g {
			t.Errorf("got %+v, want %+v", got, g)
		}
		early := g
		early.Done -= time.Duration(rapid.Int64Range(0, min(int64(g.Done), 999_999)).Draw(t, "less"))
		if got := early.packed().unpacked(); got != g {
			t.Errorf("%v: got %+v, want the next millisecond, %+v", early.Done, got, g)
		}
	})
	for _, g := range []Gone{
		{},
		{Code: 3},
		{Outcome: 'x'},
		{Outcome: 'e', Code: maxGoneCode + 1},
		{Outcome: 'e', Code: -maxGoneCode - 1},
		{Outcome: 'n', Done: -time.Second},
		{Outcome: 'r', Done: (maxGoneMilli + 1) * time.Millisecond},
	} {
		if got := g.packed().unpacked(); got != (Gone{}) {
			t.Errorf("%+v: got %+v, want nothing", g, got)
		}
	}
}
