package mockserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// keyTwice says whether two creates with one key, of this desktop, are one
// operation.
func keyTwice(desktop string) see {
	return func(w *watcher) string {
		w.createNamed(desktop, keyed(key)...)
		id := w.id
		w.createNamed(desktop, keyed(key)...)
		return fmt.Sprintf("one operation: %v", w.id == id)
	}
}

const one, two = "one operation: true", "one operation: false"

func quirky(change func(*optestv1.Fault)) *optestv1.Fault {
	f := &optestv1.Fault{Effect: &optestv1.Fault_Quirk{Quirk: &optestv1.QuirkFault{Kind: optestv1.QuirkFault_KEY_IGNORED}}}
	change(f)
	return f
}

func TestWhereAQuirkShows(t *testing.T) {
	whole := func(*optestv1.Fault) {}
	for _, c := range []struct {
		name     string
		injected *optestv1.Fault
		standard string
		see      see
		want     string
	}{
		{"nowhere", nil, "third-poll", keyTwice("desktop"), one},
		{"in the default scenario", nil, "key-ignored", keyTwice("desktop"), two},
		{"in the default scenario, of operations that live by another", nil, "key-ignored", keyTwice("third-poll"), two},
		{"in the operation's scenario", nil, "third-poll", keyTwice("key-ignored"), two},
		{"injected", quirky(whole), "third-poll", keyTwice("desktop"), two},
		{"injected for this method", quirky(func(f *optestv1.Fault) { f.Method = "CopyFromDesktop" }), "third-poll", keyTwice("desktop"), two},
		{"injected for another method", quirky(func(f *optestv1.Fault) { f.Method = "Delete" }), "third-poll", keyTwice("desktop"), one},
		{"injected for this protocol", quirky(func(f *optestv1.Fault) { f.Protocols = []optestv1.Fault_Protocol{optestv1.Fault_GRPC} }), "third-poll", keyTwice("desktop"), two},
		{"injected for another protocol", quirky(func(f *optestv1.Fault) { f.Protocols = []optestv1.Fault_Protocol{optestv1.Fault_REST} }), "third-poll", keyTwice("desktop"), one},
		{"injected for this header", quirky(func(f *optestv1.Fault) {
			f.Reader = &optestv1.Reader{Headers: map[string]string{"idempotency-key": "5f1c*"}}
		}), "third-poll", keyTwice("desktop"), two},
		{"injected for another header", quirky(func(f *optestv1.Fault) {
			f.Reader = &optestv1.Reader{Headers: map[string]string{"x-reader": "second"}}
		}), "third-poll", keyTwice("desktop"), one},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watching(t, fixtures.Must(c.standard))
				if c.injected != nil {
					w.srv.Inject(c.injected)
				}
				if got := c.see(w); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			})
		})
	}
}

// A quirk that has shown is in the answer's header and in the record, once, and
// one that has changed nothing is not.
func TestQuirksAreNoted(t *testing.T) {
	for _, c := range []struct {
		fixture string
		see     see
		want    string // the faults of the last call but those that look on
	}{
		{"limit-ignored", func(w *watcher) string { return header("x-optest-fault")(w.copy(called("image"))) }, "none"},
		{"required-ignored", func(w *watcher) string {
			return header("x-optest-fault")(w.copy(&clouddesktop.CopyFromDesktopRequest{}))
		}, "required-ignored"},
		{"name-trimmed", func(w *watcher) string { return header("x-optest-fault")(w.copy(called("image"))) }, "none"},
		{"name-trimmed", func(w *watcher) string { return header("x-optest-fault")(w.copy(called(" image"))) }, "name-trimmed"},
		{"status-17", wrongly(header("x-optest-fault"), "nobody"), "status-17"},
		{"status-17", life(header("x-optest-fault")), "none"},
		{"ignores-deadline", polls(header("x-optest-fault"), 1), "delay, deadline-ignored"},
		{"cancel-on-head", func(w *watcher) string {
			w.started()
			_, all := w.bare(http.MethodHead, "/operations/"+w.id+":cancel", "", nil)
			return all.Get("x-optest-fault")
		}, "cancel-by-head"},
	} {
		t.Run(c.fixture+" "+c.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watching(t, fixtures.Must(c.fixture))
				if got := c.see(w); got != c.want {
					t.Errorf("the header says %s, want %s", got, c.want)
				}
				calls := w.srv.Calls()
				if got := calls[len(calls)-1].FaultNames(); fmt.Sprint(got) != "["+spaced(c.want)+"]" {
					t.Errorf("the record says %v, want %s", got, c.want)
				}
			})
		})
	}
}

func spaced(list string) string {
	if list == "none" {
		return ""
	}
	return string(slices.DeleteFunc([]byte(list), func(b byte) bool { return b == ',' }))
}

// The counters of probabilities begin anew with Reset, so that a run repeats.
func TestAQuirksProbabilityFollowsTheSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watching(t, fixtures.Must("key-ignored-1-in-20"))
		ignored := func() (list []int) {
			for i := range 60 {
				w.create(keyed(fmt.Sprintf("5f1c1e7e-0000-4000-8000-%012d", i))...)
				id := w.id
				w.create(keyed(fmt.Sprintf("5f1c1e7e-0000-4000-8000-%012d", i))...)
				if w.id != id {
					list = append(list, i)
				}
			}
			return list
		}
		first := ignored()
		w.srv.Reset()
		w.srv.Play(fixtures.Must("key-ignored-1-in-20"))
		if again := ignored(); len(first) == 0 || !slices.Equal(first, again) {
			t.Errorf("ignored the keys %v, and after Reset %v, want some and the same", first, again)
		}
	})
}

func TestAQuirkOfOneOperationIsRefused(t *testing.T) {
	f := quirky(func(f *optestv1.Fault) { f.On = optestv1.Fault_GET })
	defer func() {
		if recover() == nil {
			t.Error("Inject takes a quirk on GET, want a panic that says where it acts")
		}
	}()
	srv, err := mockserver.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	srv.Inject(f)
}
