package mockserver_test

import (
	"context"
	"fmt"
	"strings"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// see makes calls to the server that plays a fixture, and says what came back.
type see func(*watcher) string

const key = "5f1c1e7e-0000-4000-8000-000000000001"

// polls looks at polls at these ages of the operation, in seconds.
func polls(l look, ages ...int) see {
	return func(w *watcher) string {
		w.started()
		return w.polls(l, ages)
	}
}

// life looks at the first answer, too.
func life(l look, ages ...int) see {
	return func(w *watcher) string {
		first := w.create()
		if first.err != nil {
			return codeOf(first)
		}
		return w.joined(append([]string{l(first)}, w.polled(l, ages)...))
	}
}

func (w *watcher) polls(l look, ages []int) string { return w.joined(w.polled(l, ages)) }

func (w *watcher) polled(l look, ages []int) []string {
	var list []string
	for _, age := range ages {
		w.until(age)
		list = append(list, l(w.poll()))
	}
	return list
}

// joined shortens runs of the same.
func (w *watcher) joined(list []string) string {
	var out []string
	for i := 0; i < len(list); {
		n := i
		for n < len(list) && list[n] == list[i] {
			n++
		}
		text := list[i]
		if n-i > 1 {
			text = fmt.Sprintf("%d x %s", n-i, text)
		}
		out = append(out, text)
		i = n
	}
	return strings.Join(out, ", ")
}

// creates looks at n creates, a second apart, and counts the images.
func creates(l look, n int, header ...string) see {
	return func(w *watcher) string {
		var list []string
		for range n {
			list = append(list, l(w.create(header...)))
			time.Sleep(time.Second)
		}
		return fmt.Sprintf("%s; images: %d", w.joined(list), w.images())
	}
}

// withKey are creates with one idempotency key.
func withKey(l look, n int) see { return creates(l, n, "idempotency-key", key) }

// cancelled looks at a Cancel ten seconds after creation, and at polls after it.
func cancelled(l look, ages ...int) see {
	return func(w *watcher) string {
		w.started()
		w.until(10)
		text := "Cancel " + l(w.cancel())
		return text + "; then " + w.polls(result, ages)
	}
}

// overREST looks at polls over REST, of an operation created over gRPC.
func overREST(l look, ages ...int) see {
	return func(w *watcher) string {
		w.started()
		var list []string
		for _, age := range ages {
			w.until(age)
			list = append(list, l(w.restPoll()))
		}
		return "REST " + w.joined(list)
	}
}

func createdOverREST(l look) see {
	return func(w *watcher) string { return "REST " + l(w.restCreate()) }
}

// each looks with several, one after another.
func each(list ...see) see {
	return func(w *watcher) string {
		var texts []string
		for _, s := range list {
			texts = append(texts, s(w))
		}
		return strings.Join(texts, "; ")
	}
}

// afterNeighbour has another operation created just before.
func afterNeighbour(s see) see {
	return func(w *watcher) string {
		w.createNamed("never-done")
		neighbour := w.id
		return strings.ReplaceAll(s(w), neighbour, "the neighbour")
	}
}

// callerLeaves cancels the context of a poll after ten seconds.
func callerLeaves(w *watcher) string {
	w.started()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	time.AfterFunc(10*time.Second, cancel)
	before := len(w.taps.sent())
	s := w.callIn(ctx, getMethod, &operation.GetOperationRequest{OperationId: w.id}, &operation.Operation{})
	synctest.Wait()
	return timed(s) + ", the client sent " + words(w.taps.sent()[before:])
}

// images looks for the image of a finished operation, n times.
func images(n int) see {
	return func(w *watcher) string {
		w.started()
		w.until(20)
		text := result(w.poll())
		var list []string
		for range n {
			list = append(list, codeOf(w.call(imageMethod, &clouddesktop.GetDesktopImageRequest{ImageId: w.image}, &clouddesktop.DesktopImage{})))
			time.Sleep(time.Second)
		}
		return text + ", image " + w.joined(list)
	}
}

// resumed reads the operation over connections of another client, which knows
// nothing but its id.
func resumed(w *watcher) string {
	text := life(result, 60)(w)
	w.connect()
	return text + "; another client: " + w.polls(result, []int{300})
}
