package mockserver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func mustSave(t *testing.T, w *world) *optestv1.SessionState {
	t.Helper()
	state, err := w.save("proto")
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// A state is of the session that the call names, and changes no other.
func TestStateOfANamedSession(t *testing.T) {
	s := New(t)
	control := controlOf(s)
	in := func(name string) context.Context {
		ctx, info := connect.NewClientContext(t.Context())
		if name != "" {
			info.RequestHeader().Set(HeaderSession, name)
		}
		return ctx
	}
	if _, err := control.Play(in("a"), &optestv1.PlayRequest{Name: "never-done"}); err != nil {
		t.Fatal(err)
	}
	if got := played(t, s, desktop("d"), HeaderSession, "a"); got != "never-done" {
		t.Fatalf("got %s", got)
	}
	saved, err := control.SaveState(in("a"), &optestv1.SaveStateRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(saved.GetState().GetOperations()); n != 1 {
		t.Errorf("the state of session a has %d operations, want its own", n)
	}
	others := func() string {
		var list []string
		for _, name := range []string{"", "c"} {
			state, err := control.SaveState(in(name), &optestv1.SaveStateRequest{})
			if err != nil {
				t.Fatal(err)
			}
			state.GetState().Now = nil
			list = append(list, protojson.Format(state))
		}
		return strings.Join(list, "\n")
	}
	before := others()
	if _, err := control.LoadState(in("b"), &optestv1.LoadStateRequest{State: saved.GetState()}); err != nil {
		t.Fatal(err)
	}
	if got := played(t, s, desktop("d"), HeaderSession, "b"); got != "never-done" {
		t.Errorf("in session b, which has loaded the state, the default is %s, want never-done", got)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), HeaderSession, "b")
	if _, err := getOperation(ctx, s, saved.GetState().GetOperations()[0].GetId()); err != nil {
		t.Errorf("in session b the operation of session a got %v", err)
	}
	if after := others(); after != before {
		t.Errorf("the other sessions were\n%s\nand are\n%s", before, after)
	}
}

// The journal is no part of the state: it goes on, with the pauses between calls
// as they were, although the clock has gone back, and forward.
func TestLoadKeepsTheJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 7)
		w.server.Play(Running(time.Hour).WithFault(&optestv1.Fault{On: optestv1.Fault_GET, Effect: &optestv1.Fault_Delay{Delay: &optestv1.DelayFault{By: durationpb.New(10 * time.Second)}}}).Succeed())
		op, err := copyFromDesktop(t.Context(), w.server, desktop("d"))
		if err != nil {
			t.Fatal(err)
		}
		early := mustSave(t, w)
		w.server.Advance(time.Hour)
		late := mustSave(t, w)
		var polls sync.WaitGroup
		for _, state := range []*optestv1.SessionState{early, late, early, early} {
			polls.Go(func() {
				if _, err := getOperation(t.Context(), w.server, op.GetId()); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(3 * time.Second) // it is under way still when the state is loaded
			if err := w.load("proto", state); err != nil {
				t.Fatal(err)
			}
			if got, want := w.server.Now(), state.GetNow().AsTime(); !got.Equal(want) {
				t.Errorf("the clock says %v, want the saved %v", got, want)
			}
		}
		polls.Wait()
		_, err = getOperation(t.Context(), w.server, op.GetId())
		if err != nil {
			t.Error(err)
		}
		// The first hour was skipped by Advance. All calls since the creation count
		// on from it, whichever the clock was then.
		hour := time.Hour
		want := []time.Duration{0, hour, hour + 3*time.Second, hour + 6*time.Second, hour + 9*time.Second, hour + 19*time.Second}
		var got []time.Duration
		list, err := controlOf(w.server).ListCalls(t.Context(), &optestv1.ListCallsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range list.GetEvents() {
			got = append(got, e.GetCalled().AsDuration())
			if e.GetNumber() != uint64(i+1) {
				t.Errorf("call %d has the number %d", i+1, e.GetNumber())
			}
			if took := e.GetReturned().AsDuration() - e.GetCalled().AsDuration(); i > 0 && took != 10*time.Second {
				t.Errorf("call %d took %v, want 10s", i+1, took)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("calls were made at %v, want %v", got, want)
		}
		calls := w.server.Calls()
		if last := calls[len(calls)-1].End; !last.Equal(w.server.Now()) {
			t.Errorf("the last call has ended at %v, want now by the clock: %v", last, w.server.Now())
		}
	})
}

// Reset begins anew with what the server was started with. What files say anew
// replaces what the saved session was started with, and leaves what clients have
// put.
func TestResetAndReplaceAfterLoad(t *testing.T) {
	never := func(name string) *optestv1.Scenario { return NeverDone().Named(name).Forever() }
	from := &world{t: t, server: New(t, Scenarios(never("one"), never("two")), Default(never("two")))}
	control := controlOf(from.server)
	if _, err := control.PutScenarios(t.Context(), &optestv1.PutScenariosRequest{Scenarios: []*optestv1.Scenario{never("put"), matching("one", "m")}}); err != nil {
		t.Fatal(err)
	}
	state := mustSave(t, from)
	w := &world{t: t, server: New(t, Scenarios(never("two"), never("three")))}
	if err := w.load("json", state); err != nil {
		t.Fatal(err)
	}
	in := func() string { return playedInTurn(t, w.server, "one", "two", "three", "put", "m", "d") }
	if got, want := in(), "two two two put one two"; got != want {
		t.Errorf("after the load got %s, want %s: the state's scenarios and no others", got, want)
	}
	replace(t, w.server, never("three"), never("one"))
	if got, want := in(), "none none three put one none"; got != want {
		t.Errorf("after Replace got %s, want %s", got, want)
	}
	w.server.Reset()
	if got, want := in(), "one none three none none none"; got != want {
		t.Errorf("after Reset got %s, want %s", got, want)
	}
}

// More than a request may have otherwise, by both codecs.
func TestLargeState(t *testing.T) {
	w := &world{t: t, server: New(t, MaxBody(1<<10))}
	w.server.Play(NeverDone().Forever())
	if _, err := copyFromDesktop(t.Context(), w.server, desktop("d")); err != nil {
		t.Fatal(err)
	}
	state := mustSave(t, w)
	request, err := proto.Marshal(&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Description: strings.Repeat("d", 10_000)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		op := proto.CloneOf(state.GetOperations()[0])
		op.Id, op.ResourceId, op.Request = fmt.Sprintf("op-%d", i), fmt.Sprintf("image-%d", i), request
		state.Operations = append(state.Operations, op)
	}
	if n := proto.Size(state); n < DefaultMaxBody {
		t.Fatalf("the state has %d bytes, want more than others may have", n)
	}
	for _, codec := range []string{"proto", "json"} {
		if err := w.load(codec, state); err != nil {
			t.Fatalf("as %s: %.1000v", codec, err)
		}
		again, err := w.save(codec)
		if err != nil {
			t.Fatal(err)
		}
		again.Now = state.GetNow()
		if !proto.Equal(state, again) {
			t.Errorf("as %s another state is saved than was loaded", codec)
		}
	}
	if _, err := copyFromDesktop(t.Context(), w.server, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Description: strings.Repeat("d", 1020)}); err == nil {
		t.Error("another request is larger than MaxBody, want it to be refused")
	}
}

// What could not be loaded is not saved.
func TestStateThatIsTooLarge(t *testing.T) {
	w := &world{t: t, server: New(t)}
	w.server.Play(NeverDone().Forever())
	op, err := copyFromDesktop(t.Context(), w.server, desktop("d"))
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := w.server.root.Load().store.operation(op.GetId())
	kept.encoded = strings.Repeat("\x00", maxState)
	_, err = controlOf(w.server).SaveState(t.Context(), &optestv1.SaveStateRequest{})
	if connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), "want at most 67108864") {
		t.Errorf("got %v, want RESOURCE_EXHAUSTED with the bound", err)
	}
}

// Calls under way end in the session as it was, and those that come find one
// state or the other.
func TestLoadConcurrently(t *testing.T) {
	w := newWorld(t, 7)
	w.server.Play(Running(time.Hour).WithFault(quirkFault(optestv1.QuirkFault_KEY_BURNT, 0.5)).Succeed())
	for range 5 {
		if _, err := copyFromDesktop(t.Context(), w.server, desktop("d")); err != nil {
			t.Fatal(err)
		}
	}
	state := mustSave(t, w)
	id := state.GetOperations()[0].GetId()
	image := state.GetOperations()[1].GetResourceId()
	var work sync.WaitGroup
	repeat := func(do func(i int) error) {
		work.Go(func() {
			for i := range 25 {
				if err := do(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	repeat(func(int) error { return w.load("proto", state) })
	repeat(func(int) error { return w.load("json", state) })
	repeat(func(int) error { _, err := w.save("proto"); return err })
	repeat(func(i int) error {
		key := fmt.Sprintf("6f1dfd83-4e06-4b5c-9f0e-%012d", i)
		_, err := copyFromDesktop(withKey(t.Context(), key), w.server, desktop("d"))
		return err
	})
	repeat(func(int) error { _, err := getOperation(t.Context(), w.server, id); return err })
	repeat(func(int) error {
		w.server.Advance(time.Second)
		_, err := imagesOf(w.server).Get(t.Context(), &clouddesktop.GetDesktopImageRequest{ImageId: image})
		return err
	})
	repeat(func(int) error {
		_, err := controlOf(w.server).ListCalls(t.Context(), &optestv1.ListCallsRequest{})
		return err
	})
	repeat(func(i int) error {
		if i%5 > 0 {
			return nil
		}
		_, err := controlOf(w.server).Reset(t.Context(), &optestv1.ResetRequest{Scope: optestv1.ResetRequest_OPERATIONS, Scenario: "polled"})
		return errors.Join(err, w.server.Replace(lives()...))
	})
	work.Wait()
	if err := w.load("proto", state); err != nil {
		t.Fatal(err)
	}
	again := mustSave(t, w)
	again.Now = state.GetNow()
	if diff := cmp.Diff(state, again, protocmp.Transform()); diff != "" {
		t.Errorf("in the end the state is (-loaded +saved):\n%s", diff)
	}
	numbers := map[uint64]bool{}
	for _, c := range w.server.Calls() {
		numbers[c.Number] = true
	}
	if n := len(w.server.Calls()); len(numbers) != n || n != 5+3*25 {
		t.Errorf("%d calls with %d numbers, want the %d that were made", n, len(numbers), 5+3*25)
	}
}
