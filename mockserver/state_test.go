package mockserver

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

var desktopService = clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_service_proto.Services().ByName("DesktopService")

// deedsOf spreads what was drawn, which prefers small numbers.
func deedsOf(drawn []uint64) []deed {
	list := make([]deed, len(drawn))
	for i, n := range drawn {
		n = mix(n ^ uint64(i)<<40)
		list[i] = deed{int(n % uint64(len(deeds))), int(n >> 8 & 0xff), int(n >> 16 & 0xff), int(n >> 24 & 0xff)}
	}
	return list
}

// newWorld has the same scenarios with every seed.
func newWorld(t testing.TB, seed uint64) *world {
	t.Helper()
	all := lives()
	return &world{t: t, server: New(t, Seed(seed), Services(desktopService), Scenarios(all...), Default(all[0]))}
}

// A server that has loaded a state goes on as the one does that has saved it:
// every answer, with its headers, ids and draws, and in the end the state.
func TestLoadedServerGoesOnAsTheSavedOneDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before := rapid.SliceOfN(rapid.Uint64(), 20, 60).Draw(rt, "before")
		after := rapid.SliceOfN(rapid.Uint64(), 10, 30).Draw(rt, "after")
		pause := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(rt, "pause"))
		var wrong string
		synctest.Test(t, func(t *testing.T) { wrong = goesOn(t, deedsOf(before), deedsOf(after), pause) })
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

// goesOn returns what is not the same, empty if all is.
func goesOn(t *testing.T, before, after []deed, pause time.Duration) string {
	saved := newWorld(t, 7)
	known := &knowledge{}
	for _, d := range before {
		known.learn(pick(deeds, d.what).do(saved, known, d))
		time.Sleep(time.Duration(d.more%20) * time.Second)
	}
	state, err := saved.save("proto")
	if err != nil {
		return err.Error()
	}
	worlds := []*world{saved}
	for seed, codec := range map[uint64]string{8: "proto", 9: "json"} {
		w := newWorld(t, seed)
		// What files have said by then is the server's and not the session's.
		for _, d := range slices.Backward(before) {
			if pick(deeds, d.what).name == "Replace" {
				pick(deeds, d.what).do(w, known, d)
				break
			}
		}
		if err := w.load(codec, state); err != nil {
			return err.Error()
		}
		again, err := w.save(codec)
		if err != nil {
			return err.Error()
		}
		if !proto.Equal(state, again) {
			return fmt.Sprintf("the state after loading it as %s (-saved +loaded):\n%s", codec, cmp.Diff(state, again, protocmp.Transform()))
		}
		worlds = append(worlds, w)
	}
	time.Sleep(pause)
	for i, d := range after {
		answers := together(worlds, func(w *world) string { return pick(deeds, d.what).do(w, known, d) })
		for _, answer := range answers[1:] {
			if answer != answers[0] {
				return fmt.Sprintf("%d: %v\nthe saved server has answered\n%s\nand a loaded one\n%s", i, d, answers[0], answer)
			}
		}
		known.learn(answers[0])
		time.Sleep(time.Duration(d.more%20) * time.Second)
	}
	state, err = saved.save("proto")
	if err != nil {
		return err.Error()
	}
	for _, w := range worlds[1:] {
		end, err := w.save("proto")
		if err != nil {
			return err.Error()
		}
		if !proto.Equal(state, end) {
			return fmt.Sprintf("the state in the end (-saved +loaded):\n%s", cmp.Diff(state, end, protocmp.Transform()))
		}
	}
	return ""
}

// fullState is a server whose state has every field that a state can have.
func fullState(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, 7)
	known := &knowledge{}
	create := func(req *clouddesktop.CopyFromDesktopRequest, header ...string) string {
		t.Helper()
		answer := w.rpc(desktopImageService+"CopyFromDesktop", req, header...)
		known.learn(answer)
		return known.operations[len(known.operations)-1]
	}
	telling := Running(time.Hour).Named("telling").
		WithFault(quirkFault(optestv1.QuirkFault_STORE_PER_PROTOCOL, 0)).
		WithFault(quirkFault(optestv1.QuirkFault_CANCEL_RESTARTS, 0)).
		Forever()
	telling.Timeline = []*optestv1.Step{{
		When: &optestv1.Step_At{At: durationpb.New(0)}, Description: proto.String("on its way"), Progress: proto.Uint32(5), PollHint: proto.String("7"),
		Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{"image_id": structpb.NewStringValue("other")}},
	}}
	w.server.Script(telling)
	told := create(desktop("nobody"), "Idempotency-Key", key1)
	w.server.Play(Running(time.Minute).Named("default").
		WithFault(quirkFault(optestv1.QuirkFault_KEY_BURNT, 0)).
		WithFault(quirkFault(optestv1.QuirkFault_LENGTH_IGNORED, 0.001)).
		Succeed())
	create(desktop("m1"))
	create(desktop("slow-success"))
	create(desktop("counted"))
	create(&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: strings.Repeat("n", 51)}, "Idempotency-Key", key2)
	rolling, polled, over := create(desktop("rolling")), create(desktop("polled")), create(desktop("overwritten"))
	for _, req := range injectable() {
		if err := w.server.root.Load().injected.add(req); err != nil {
			t.Fatal(err)
		}
	}
	for range 4 {
		for _, id := range []string{rolling, polled} {
			w.rpc(operationService+"Get", &operation.GetOperationRequest{OperationId: id})
		}
		create(desktop("counted"), "Idempotency-Key", "6f1dfd83-4e06-4b5c-9f0e-000000000003")
		w.rpc(desktopImageService+"List", &clouddesktop.ListDesktopImagesRequest{FolderId: defaultFolder})
	}
	w.server.Advance(5 * time.Second)
	for _, id := range []string{rolling, told, told, over} {
		w.rpc(operationService+"Cancel", &operation.CancelOperationRequest{OperationId: id})
	}
	w.server.Script(Running(0).Named("scripted").Succeed())
	return w
}

func TestStateHasEveryField(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fullState(t)
		state, err := w.save("proto")
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		fieldsIn(state.ProtoReflect(), names)
		messages := (&optestv1.SessionState{}).ProtoReflect().Descriptor().ParentFile().Messages()
		for i := range messages.Len() {
			m := messages.Get(i)
			if !strings.HasPrefix(string(m.Name()), "Saved") && m.Name() != "SessionState" && m.Name() != "FaultCount" {
				continue
			}
			for j := range m.Fields().Len() {
				if name := string(m.Name()) + "." + string(m.Fields().Get(j).Name()); !names[name] && name != "SavedLook.response" { // what a quirk has an operation look like has none so far
					t.Errorf("the state has no %s, want every field somewhere", name)
				}
			}
		}
	})
}
