package trace

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	binlogpb "google.golang.org/grpc/binarylog/grpc_binarylog_v1"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// maxCalls is how many calls of a log may be under way at once.
const maxCalls = 1 << 16

// joiner makes events of the entries of calls.
type joiner struct {
	redactor *Redactor
	store    *Store
	client   *side
	server   *side
	events   int
}

// side is the calls that a process made, or those that it served.
type side struct {
	trace *Trace
	open  map[uint64]*logged
	queue []*logged // those of open and some that have ended, in the order of their begin
	peers map[string]*Caller

	// Offsets count from base, the first stamp, until the log is read: then from
	// the earliest.
	base             time.Time
	stamped          bool // base is set
	earliest, latest time.Duration

	orphans int // entries of calls whose begin is not in the log
	given   int // calls given up to make room
}

func newJoiner(name string, redactor *Redactor) *joiner {
	return &joiner{
		redactor: redactor, store: NewStore(0),
		client: newSide(name, optestv1.TraceHeader_CLIENT), server: newSide(name, optestv1.TraceHeader_SERVER),
	}
}

func newSide(name string, kind optestv1.TraceHeader_Observer) *side {
	return &side{
		open: map[uint64]*logged{}, peers: map[string]*Caller{},
		trace: &Trace{Header: &optestv1.TraceHeader{
			Version: Version, Tool: "grpc.binarylog.v1", Observer: kind, Name: name, Clock: optestv1.TraceHeader_WALL,
			Sees: []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA},
		}},
	}
}

// join takes the next entry of the log.
func (j *joiner) join(entry *binlogpb.GrpcLogEntry) error {
	var s *side
	switch entry.GetLogger() {
	case binlogpb.GrpcLogEntry_LOGGER_CLIENT:
		s = j.client
	case binlogpb.GrpcLogEntry_LOGGER_SERVER:
		s = j.server
	default:
		return fmt.Errorf("is of logger %s, want LOGGER_CLIENT or LOGGER_SERVER", entry.GetLogger())
	}
	at, err := s.offset(entry.GetTimestamp())
	if err != nil {
		return err
	}
	l := s.open[entry.GetCallId()]
	switch {
	case entry.GetType() == binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_HEADER:
		if l != nil {
			return fmt.Errorf("begins call %d, which is under way, want the log of one process", entry.GetCallId())
		}
		if l, err = j.begin(s, entry, at); err != nil {
			return err
		}
	case l == nil:
		if entry.GetType() != binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_HALF_CLOSE { // which may come after the end
			s.orphans++
		}
		return nil
	}
	l.note(entry, at)
	if a := entry.GetPeer(); a != nil {
		l.reached = true
		l.event.Caller = s.peer(a)
	}
	switch entry.GetType() {
	case binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_MESSAGE:
		l.request(j.blob(entry.GetMessage()))
	case binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_HEADER:
		l.reached = true
		l.event.ResponseHeader = j.fields(entry.GetServerHeader().GetMetadata())
	case binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_MESSAGE:
		l.reached = true
		l.response(j.blob(entry.GetMessage()))
	case binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_TRAILER:
		l.event.Trailer = j.fields(entry.GetTrailer().GetMetadata())
		l.finish(entry.GetTrailer(), s == j.client)
		return j.end(s, l)
	case binlogpb.GrpcLogEntry_EVENT_TYPE_CANCEL:
		l.cancelled()
		return j.end(s, l)
	}
	return nil
}

// offset is the stamp of an entry relative to the first one, and notes when the
// clock was set back.
func (s *side) offset(stamp *timestamppb.Timestamp) (time.Duration, error) {
	const (
		longest  = 100 * 365 * 24 * time.Hour
		disorder = time.Second // of entries that were written at once
	)
	if err := stamp.CheckValid(); err != nil {
		return 0, fmt.Errorf("has no valid timestamp: %s", plainly(err))
	}
	t := stamp.AsTime()
	if !s.stamped {
		s.base, s.stamped = t, true
	}
	at := t.Sub(s.base)
	if at.Abs() > longest {
		return 0, fmt.Errorf("is stamped %v, want a time within 100 years of the first entry's %v", t.Format(time.RFC3339), s.base.Format(time.RFC3339))
	}
	if at < s.latest-disorder {
		if len(s.trace.Gaps) < maxGaps {
			s.trace.Gaps = append(s.trace.Gaps, &optestv1.Gap{
				Kind: optestv1.Gap_UNTIMED, From: durationpb.New(at), Until: durationpb.New(s.latest), Reason: "the clock was set back",
			})
		}
		s.latest = at
	}
	s.earliest, s.latest = min(s.earliest, at), max(s.latest, at)
	return at, nil
}

func (j *joiner) begin(s *side, entry *binlogpb.GrpcLogEntry, at time.Duration) (*logged, error) {
	for len(s.open) == maxCalls {
		oldest := s.queue[0]
		s.queue = s.queue[1:]
		if oldest.ended {
			continue
		}
		s.given++
		oldest.unfinished(s.latest)
		if err := j.end(s, oldest); err != nil {
			return nil, err
		}
	}
	h := entry.GetClientHeader()
	l := &logged{id: entry.GetCallId(), event: Event{
		Called: at, Protocol: optestv1.Event_GRPC, Method: strings.TrimPrefix(h.GetMethodName(), "/"),
		RequestCodec: optestv1.Event_PROTO, ResponseCodec: optestv1.Event_PROTO,
		RequestFidelity: optestv1.Event_UNSEEN, RequestHeader: j.fields(h.GetMetadata()),
	}}
	if t := h.GetTimeout(); t.IsValid() && t.AsDuration() > 0 {
		l.event.Timeout = t.AsDuration()
	}
	s.open[l.id] = l
	s.queue = append(s.queue, l)
	if len(s.queue) > 2*len(s.open)+maxCalls {
		s.queue = slices.DeleteFunc(s.queue, func(l *logged) bool { return l.ended })
	}
	return l, nil
}

func (s *side) peer(a *binlogpb.Address) *Caller {
	text := a.GetAddress()
	if port := a.GetIpPort(); port != 0 {
		text = net.JoinHostPort(strings.Trim(text, "[]"), strconv.FormatUint(uint64(port), 10))
	}
	caller, ok := s.peers[text]
	if !ok {
		caller = &Caller{Peer: text}
		if len(s.peers) < maxCalls {
			s.peers[text] = caller
		}
	}
	return caller
}

func (j *joiner) blob(m *binlogpb.Message) *Blob {
	if uint64(m.GetLength()) > uint64(len(m.GetData())) {
		return CutBlob(m.GetData(), int(m.GetLength()))
	}
	return j.store.Blob(m.GetData())
}

func (j *joiner) fields(m *binlogpb.Metadata) Fields {
	var list Fields
	for _, entry := range m.GetEntry() {
		list = j.redactor.Append(list, entry.GetKey(), string(entry.GetValue()))
	}
	return j.store.Fields(list)
}

var errTooManyCalls = errors.New("is beyond the calls that memory may take, " + strconv.Itoa(maxEvents))

func (j *joiner) end(s *side, l *logged) error {
	if j.events == maxEvents {
		return errTooManyCalls
	}
	j.events++
	l.ended = true
	delete(s.open, l.id)
	s.trace.Events = append(s.trace.Events, l.asEvent(uint64(len(s.trace.Events)+1)))
	return nil
}

// traces ends the calls that are under way and returns what there is.
func (j *joiner) traces() []*Trace {
	var all []*Trace
	for _, s := range [...]*side{j.client, j.server} {
		for _, l := range s.queue {
			if l.ended {
				continue
			}
			l.unfinished(s.latest)
			if j.end(s, l) != nil {
				break // said before
			}
		}
		if s.stamped {
			s.close()
			all = append(all, s.trace)
		}
	}
	return all
}

// close counts from the earliest stamp and tells of what is missing.
func (s *side) close() {
	t := s.trace
	t.Header.Start = timestamppb.New(s.base.Add(s.earliest))
	for _, e := range t.Events {
		e.Called -= s.earliest
		e.Returned -= s.earliest
	}
	for _, g := range t.Gaps {
		g.From, g.Until = durationpb.New(g.From.AsDuration()-s.earliest), durationpb.New(g.Until.AsDuration()-s.earliest)
	}
	lost := func(n int, what string) {
		if n > 0 {
			t.Gaps = append(t.Gaps, &optestv1.Gap{Kind: optestv1.Gap_LOST, Reason: strconv.Itoa(n) + " " + what})
		}
	}
	lost(s.orphans, "entries are of calls whose begin is not in the log")
	lost(s.given, "calls were given up because too many were under way")
}
