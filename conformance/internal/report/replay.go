package report

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// replayer makes calls of a run again.
type replayer struct {
	view   *view
	header *optestv1.TraceHeader
	calls  []*trace.Event
	// origins are the calls that have started an operation or made an image, by its
	// id. They are looked for when one is needed.
	origins map[string]*trace.Event
}

// newReplayer takes all calls of the run, as far as they are known.
func newReplayer(header *optestv1.TraceHeader, calls []*trace.Event) *replayer {
	return &replayer{view: newView(), header: header, calls: calls}
}

// replay makes lines for a shell out of calls.
type replay struct {
	view      *view
	events    []*trace.Event // in the order of their calls
	secure    bool
	variables map[string]string // by the id that each stands for
	ids       []string
	lines     []string
}

// Bounds of a replay.
const (
	maxReplayed = 100
	maxArgument = 8 << 10
)

// commands are lines for a shell that make the calls again, of which the ids that
// the server has given are read from its answers. What the calls are about is
// started first.
func (r *replayer) commands(events []*trace.Event) []string {
	p := &replay{view: r.view, events: byCall(r.whole(events)), variables: map[string]string{}}
	p.server(r.header.GetTarget())
	if r.header.GetClock() == optestv1.TraceHeader_VIRTUAL {
		p.say("the run had a clock of its own, so waits may be long")
	}
	var last *trace.Event
	for i, e := range p.events {
		if i == maxReplayed {
			p.say("%s more are in the trace", counted(len(p.events)-i, "call"))
			break
		}
		p.pause(last, e)
		p.call(e)
		if last == nil || e.Returned > last.Returned {
			last = e
		}
	}
	return p.lines
}

// whole is the events with the calls that have made what they are about.
func (r *replayer) whole(events []*trace.Event) []*trace.Event {
	list := slices.Clone(events)
	for _, e := range events {
		for _, id := range r.view.about(e) {
			if origin := r.origin(id); origin != nil && origin.Called < e.Called && !slices.Contains(list, origin) {
				list = append(list, origin)
			}
		}
	}
	return list
}

// origin is the first call that has answered with what has the id, nil if it is not
// known.
func (r *replayer) origin(id string) *trace.Event {
	if r.origins == nil {
		r.origins = map[string]*trace.Event{}
		for _, e := range byCall(r.calls) {
			op, image := r.view.made(e)
			for _, id := range []string{op, image} {
				if id != "" && r.origins[id] == nil {
					r.origins[id] = e
				}
			}
		}
	}
	return r.origins[id]
}

// about are the ids that a call asks for.
func (v *view) about(e *trace.Event) []string {
	var ids []string
	m, err := v.request(e)
	if op, ok := m.(interface{ GetOperationId() string }); err == nil && ok {
		ids = append(ids, op.GetOperationId())
	} else if e.Operation != "" && !starts(e) {
		ids = append(ids, e.Operation)
	}
	if image, ok := m.(interface{ GetImageId() string }); err == nil && ok {
		ids = append(ids, image.GetImageId())
	}
	return ids
}

// made are the ids of the operation that a call has started, and of its image.
func (v *view) made(e *trace.Event) (op, image string) {
	if !starts(e) {
		return "", ""
	}
	m, err := v.messages.Response(e)
	answer, ok := m.(*operation.Operation)
	if err != nil || !ok {
		return "", ""
	}
	if meta, err := answer.GetMetadata().UnmarshalNew(); err == nil {
		if m, ok := meta.(interface{ GetImageId() string }); ok {
			image = m.GetImageId()
		}
	}
	return answer.GetId(), image
}

func (r *replay) say(format string, args ...any) {
	r.lines = append(r.lines, "# "+plain(fmt.Sprintf(format, args...)))
}

// server sets where the calls go.
func (r *replay) server(target string) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || strings.HasSuffix(u.Hostname(), ".invalid") {
		r.lines = append(r.lines, `: "${SERVER:?set it to where the server listens, such as 127.0.0.1:8080}"`)
		return
	}
	r.secure = u.Scheme == "https"
	r.lines = append(r.lines, `test -n "${SERVER-}" || SERVER=`+literal(u.Host))
}

// pause waits as long as there was between two calls.
func (r *replay) pause(last, e *trace.Event) {
	if last == nil {
		return
	}
	const least = 50 * time.Millisecond
	switch wait := e.Called - last.Returned; {
	case wait >= least:
		r.lines = append(r.lines, fmt.Sprintf("sleep %.2f", wait.Seconds()))
	case wait < 0:
		r.say("called while the one before was under way")
	}
}

func (r *replay) call(e *trace.Event) {
	line, readable := r.line(e)
	if line == "" {
		r.say("#%d can't be made again by a command: its request was not kept", e.Number)
		return
	}
	op, image := r.given(e)
	if readable && (op != "" || image != "") {
		r.lines = append(r.lines, "answer=$("+line+"); echo \"$answer\"")
		if op != "" {
			r.lines = append(r.lines, r.remember(op, "op")+`=$(jq -r .id <<<"$answer")`)
		}
		if image != "" {
			r.lines = append(r.lines, r.remember(image, "image")+`=$(jq -r .metadata.imageId <<<"$answer")`)
		}
		return
	}
	r.lines = append(r.lines, line)
}

// given are ids that the server has given in its answer and that later calls ask
// for, each empty if there is none.
func (r *replay) given(e *trace.Event) (op, image string) {
	const shortest = 4 // what is shorter may be part of anything
	op, image = r.view.made(e)
	if len(op) < shortest || !r.asked(e, op) {
		op = ""
	}
	if len(image) < shortest || !r.asked(e, image) {
		image = ""
	}
	return op, image
}

// starts reports whether a method starts operations, as far as its name tells.
func starts(e *trace.Event) bool {
	return !strings.HasPrefix(e.Method, "yandex.cloud.operation.OperationService/")
}

// asked reports whether a call after this one has the id in its request.
func (r *replay) asked(e *trace.Event, id string) bool {
	for _, other := range r.events {
		if other.Called > e.Called && (strings.Contains(other.HTTPRequest, id) || strings.Contains(string(other.Request.Bytes()), id)) {
			return true
		}
	}
	return false
}
