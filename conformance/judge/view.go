package judge

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// view is what another observer would have seen of the same calls.
type view struct {
	name  string
	trace *trace.Trace
}

// narrowing makes of a trace what an observer that sees less would have recorded.
type narrowing struct {
	name string
	cut  func(*trace.Trace, *rand.Rand) *trace.Trace
}

// narrowings are all of them. None makes a server broken that is not.
var narrowings = []narrowing{
	{"one client", oneClient},
	{"some clients", someClients},
	{"from late on", late},
	{"until soon", early},
	{"samples", samples(70)},
	{"few samples", samples(25)},
	{"without starts", without(func(e *trace.Event) bool { return starts(e.Method) })},
	{"without Cancel", without(func(e *trace.Event) bool { return strings.HasSuffix(e.Method, "/Cancel") })},
	{"without images", without(func(e *trace.Event) bool {
		return strings.HasPrefix(e.Method, images) && !strings.HasSuffix(e.Method, "/CopyFromDesktop")
	})},
	{"without successful starts", without(func(e *trace.Event) bool { return starts(e.Method) && e.Outcome == optestv1.Event_OK })},
	{"without names of connections", nameless},
	{"without peers", edited(func(e *trace.Event) { e.Caller = nil })},
	{"without metadata", withoutMetadata},
	{"without frames and headers", withoutFrames},
	{"encoded anew", reencoded},
	{"content alone", contentAlone},
	{"bodies now and then", withheld},
	{"as a proxy", asProxy},
	{"as a service that passes calls on", pooled},
}

// everyWriter is a trace whose observer knows that it sees all calls.
func everyWriter(tr *trace.Trace) *trace.Trace {
	h := proto.CloneOf(tr.Header)
	h.Sees = append(h.Sees, optestv1.TraceHeader_ALL_WRITERS)
	return &trace.Trace{Header: h, Events: tr.Events, Gaps: tr.Gaps}
}

const images = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/"

// starts reports whether a method starts an operation.
func starts(method string) bool {
	name, ok := strings.CutPrefix(method, images)
	return ok && slices.Contains([]string{"CopyFromDesktop", "Copy", "Update", "Delete"}, name)
}

// views are a trace as it is and as others would have seen it, by one narrowing and
// by several of them.
func views(tr *trace.Trace, draw *rand.Rand, mixed int) []view {
	list := []view{{"whole", tr}}
	for _, n := range narrowings {
		list = append(list, view{n.name, n.cut(tr, draw)})
	}
	for range mixed {
		v := view{trace: tr}
		var names []string
		for _, i := range draw.Perm(len(narrowings))[:2+draw.IntN(2)] {
			n := narrowings[i]
			v.trace = n.cut(v.trace, draw)
			names = append(names, n.name)
		}
		v.name = strings.Join(names, ", ")
		list = append(list, v)
	}
	return list
}

// of is a trace of other events.
func of(tr *trace.Trace, events []*trace.Event) *trace.Trace {
	return &trace.Trace{Header: tr.Header, Events: events, Gaps: tr.Gaps}
}

// without is a trace whose observer has missed calls, so that it does not know of
// all that write.
func without(is func(*trace.Event) bool) func(*trace.Trace, *rand.Rand) *trace.Trace {
	return func(tr *trace.Trace, _ *rand.Rand) *trace.Trace {
		return of(blind(tr, optestv1.TraceHeader_ALL_WRITERS), slices.DeleteFunc(slices.Clone(tr.Events), is))
	}
}

func clientOf(e *trace.Event) string {
	name, _ := e.RequestHeader.Get(clientHeader)
	return name
}

func clientsOf(tr *trace.Trace) []string {
	var names []string
	for _, e := range tr.Events {
		if name := clientOf(e); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func oneClient(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	names := clientsOf(tr)
	if len(names) == 0 {
		return tr
	}
	name := names[draw.IntN(len(names))]
	return without(func(e *trace.Event) bool { return clientOf(e) != name })(tr, draw)
}

func someClients(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	left := map[string]bool{}
	for _, name := range clientsOf(tr) {
		left[name] = draw.IntN(2) == 0
	}
	return without(func(e *trace.Event) bool { return left[clientOf(e)] })(tr, draw)
}

func late(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	if len(tr.Events) == 0 {
		return tr
	}
	return of(blind(tr, optestv1.TraceHeader_ALL_WRITERS), tr.Events[draw.IntN(len(tr.Events)):])
}

func early(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	if len(tr.Events) == 0 {
		return tr
	}
	return of(tr, tr.Events[:draw.IntN(len(tr.Events))])
}

func samples(percent int) func(*trace.Trace, *rand.Rand) *trace.Trace {
	return func(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
		return without(func(*trace.Event) bool { return draw.IntN(100) >= percent })(tr, draw)
	}
}

// edited is a trace whose events are copies that the function has changed.
func edited(change func(*trace.Event)) func(*trace.Trace, *rand.Rand) *trace.Trace {
	return func(tr *trace.Trace, _ *rand.Rand) *trace.Trace {
		list := make([]*trace.Event, len(tr.Events))
		for i, e := range tr.Events {
			other := *e
			change(&other)
			list[i] = &other
		}
		return of(tr, list)
	}
}

// blind is a trace whose observer does not see so much.
func blind(tr *trace.Trace, sights ...optestv1.TraceHeader_Sight) *trace.Trace {
	h := proto.CloneOf(tr.Header)
	h.Sees = slices.DeleteFunc(h.Sees, func(s optestv1.TraceHeader_Sight) bool { return slices.Contains(sights, s) })
	return &trace.Trace{Header: h, Events: tr.Events, Gaps: tr.Gaps}
}

func recalled(e *trace.Event, change func(*trace.Caller)) {
	if e.Caller != nil {
		c := *e.Caller
		change(&c)
		e.Caller = &c
	}
}

func nameless(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	return edited(func(e *trace.Event) { recalled(e, func(c *trace.Caller) { c.Connection, c.Reader = "", "" }) })(tr, draw)
}

func withoutMetadata(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	return edited(func(e *trace.Event) { e.RequestHeader, e.ResponseHeader, e.Trailer = nil, nil, nil })(
		blind(tr, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_HEADERS), draw)
}

func withoutFrames(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	return edited(func(e *trace.Event) { e.Frames, e.HTTPStatus = nil, 0 })(blind(tr, optestv1.TraceHeader_FRAMES, optestv1.TraceHeader_HEADERS), draw)
}

// reencoded is what an observer records that sees messages only decoded.
func reencoded(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	d := trace.NewDecoder(nil, nil)
	return edited(func(e *trace.Event) {
		if m, err := d.Request(e); err == nil && e.Request != nil && e.Protocol != optestv1.Event_REST {
			if b := encodedAnew(m, e.RequestCodec); b != nil {
				e.Request, e.RequestFidelity = b, optestv1.Event_REENCODED
			}
		}
		if m, err := d.Response(e); err == nil && e.Response != nil && e.Outcome == optestv1.Event_OK {
			if b := encodedAnew(m, e.ResponseCodec); b != nil {
				e.Response, e.ResponseFidelity = b, optestv1.Event_REENCODED
			}
		}
	})(blind(tr, optestv1.TraceHeader_RAW, optestv1.TraceHeader_FRAMES), draw)
}

func encodedAnew(m proto.Message, codec optestv1.Event_Codec) *trace.Blob {
	var data []byte
	var err error
	switch codec {
	case optestv1.Event_PROTO:
		data, err = proto.MarshalOptions{Deterministic: true}.Marshal(m)
	case optestv1.Event_JSON:
		data, err = protojson.Marshal(m)
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	return trace.NewBlob(data)
}

func contentAlone(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	return withoutMetadata(withoutFrames(reencoded(tr, draw), draw), draw)
}

// withheld lacks bodies that there was no memory for, and parts of others.
func withheld(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	return edited(func(e *trace.Event) {
		if draw.IntN(3) == 0 && e.Protocol != optestv1.Event_REST {
			e.Request, e.RequestFidelity = nil, optestv1.Event_UNSEEN
		}
		switch n := draw.IntN(9); {
		case e.Response == nil:
		case n < 3:
			e.Response, e.ResponseFidelity = nil, optestv1.Event_UNSEEN
		case n < 5 && len(e.Response.Bytes()) > 1:
			half := e.Response.Bytes()[:len(e.Response.Bytes())/2]
			e.Response = trace.CutBlob(bytes.Clone(half), len(e.Response.Bytes()))
		}
	})(tr, draw)
}

// asProxy has readers named by their connections.
func asProxy(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	tr = edited(func(e *trace.Event) { recalled(e, func(c *trace.Caller) { c.Reader = c.Connection }) })(blind(tr), draw)
	tr.Header.Observer = optestv1.TraceHeader_PROXY
	return tr
}

// pooled has all clients behind one address, as behind a gateway that watches.
func pooled(tr *trace.Trace, draw *rand.Rand) *trace.Trace {
	return edited(func(e *trace.Event) { recalled(e, func(c *trace.Caller) { *c = trace.Caller{Peer: "10.0.0.1:443"} }) })(tr, draw)
}
