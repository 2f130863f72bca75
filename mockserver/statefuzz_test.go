package mockserver

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Whatever a state says, it is refused, or the session that it makes can be asked
// for everything, saved and loaded again.
func FuzzLoadState(f *testing.F) {
	w := fullState(f)
	state, err := w.save("proto")
	if err != nil {
		f.Fatal(err)
	}
	add := func(state *optestv1.SessionState) {
		raw, err := proto.Marshal(state)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	add(state)
	for _, r := range refusals {
		wrong := proto.CloneOf(state)
		r.change(wrong)
		if proto.Size(wrong) < 1<<16 {
			add(wrong)
		}
	}
	load := func(state *optestv1.SessionState) (*session, error) {
		l := &loading{server: w.server, state: state}
		if err := l.read(""); err != nil {
			return nil, err
		}
		l.session.clock = clockAt(l.now, l.state.GetSpeed())
		return l.session, nil
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		state := &optestv1.SessionState{}
		if err := proto.Unmarshal(raw, state); err != nil {
			return
		}
		ss, err := load(state)
		if err != nil {
			return
		}
		if _, err := load(ss.save()); err != nil {
			t.Fatalf("what was loaded is saved as what can't be: %v", err)
		}
		now := ss.clock.now()
		for _, op := range ss.store.all() {
			// Fields that an operation has not got are errors of the call.
			for _, age := range []time.Duration{0, time.Minute, longest} {
				_, _ = op.message(op.stateAt(age))
			}
			_, _ = op.message(op.poll(now))
			_, _ = op.message(op.cancel(now))
			if _, err := op.report(now); err != nil {
				t.Error(err)
			}
			if op.resources == resources(ss.images) {
				ss.images.get(op.target, now)
			}
		}
		ss.images.elsewhere("", now)
		if _, err := load(ss.save()); err != nil {
			t.Fatalf("what was loaded and used is saved as what can't be: %v", err)
		}
	})
}
