package mockserver

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Bounds of reading the journal.
const (
	longestWait = time.Minute
	batch       = 64   // calls that are copied at a time
	keptIDs     = 4096 // blobs that a stream knows to have sent
)

// listCalls pages through the journal by the numbers of its calls.
func listCalls(ctx context.Context, c *call, req *optestv1.ListCallsRequest) (*optestv1.ListCallsResponse, error) {
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	wait := req.GetWait().AsDuration()
	if !req.GetWait().IsValid() && req.Wait != nil || wait < 0 || wait > longestWait {
		return nil, invalid("wait", "got %v, want 0s to %v", wait, longestWait)
	}
	until := time.NewTimer(wait)
	defer until.Stop()
	response := &optestv1.ListCallsResponse{}
	sent := blobs{}
	at := cursor{server: c.server, session: c.session.name, after: req.GetAfter()}
	for len(response.Events) < size {
		ended := until.C
		if wait == 0 || len(response.Events) > 0 {
			ended = over
		}
		calls, err := at.next(ctx, ended)
		if err != nil {
			return nil, err
		}
		response.Forgotten = at.forgotten
		if calls == nil {
			break
		}
		for _, one := range calls {
			if differs(req.GetMatch(), one) != "" {
				continue
			}
			if len(response.Events) == size {
				break
			}
			event := at.event(one)
			response.Events = append(response.Events, event.Proto())
			response.Blobs = append(response.Blobs, sent.further(event)...)
			response.NextAfter = one.Number
		}
	}
	return response, nil
}

// over is a wait that has ended.
var over = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// watchCalls streams the journal until the client has enough or the server
// closes.
func watchCalls(ctx context.Context, c *call, request proto.Message, send func(proto.Message) error) error {
	req := request.(*optestv1.WatchCallsRequest)
	sent := blobs{}
	at := cursor{server: c.server, session: c.session.name, after: req.GetAfter()}
	missed := uint64(0)
	for {
		before := at.after
		calls, err := at.next(ctx, nil)
		if err != nil {
			return err
		}
		if first := calls[0].Number; before > 0 && first > before+1 {
			missed += first - before - 1
		}
		for _, one := range calls {
			if differs(req.GetMatch(), one) != "" {
				continue
			}
			event := at.event(one)
			response := &optestv1.WatchCallsResponse{Event: event.Proto(), Blobs: sent.further(event), Missed: missed}
			if err := send(response); err != nil {
				return err
			}
			missed = 0
		}
	}
}

// cursor reads the journal of a session, and goes on with that of the session
// that takes its place.
type cursor struct {
	server    *Server
	session   string
	after     uint64
	forgotten uint64
	born      time.Time // of the session read last
}

// next returns at least one call, none once the wait has ended.
func (at *cursor) next(ctx context.Context, wait <-chan time.Time) ([]Call, error) {
	for {
		ss, err := at.server.session(at.session)
		if err != nil {
			return nil, err
		}
		at.born = ss.born
		calls, forgotten, more := ss.journal.since(at.after, batch)
		at.forgotten = forgotten
		if calls != nil {
			at.after = calls[len(calls)-1].Number
			return calls, nil
		}
		select {
		case <-more:
		case <-ss.gone:
			if next, err := at.server.session(at.session); err != nil || next.journal != ss.journal {
				at.after = 0
			}
		case <-wait:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-at.server.closing:
			return nil, connect.NewError(connect.CodeUnavailable, "optest: the server closes")
		}
	}
}

func (at *cursor) event(c Call) *trace.Event { return c.event(at.session, at.born) }

// blobs are those that the other side has already.
type blobs map[trace.ID]bool

// further are the event's blobs that were not sent before.
func (sent blobs) further(e *trace.Event) []*optestv1.Blob {
	var list []*optestv1.Blob
	for _, b := range []*trace.Blob{e.Request, e.Response} {
		if b == nil || sent[b.ID()] {
			continue
		}
		if len(sent) >= keptIDs {
			clear(sent)
		}
		sent[b.ID()] = true
		m := &optestv1.Blob{Id: b.ID().String(), Content: &optestv1.Blob_Data{Data: b.Bytes()}}
		if b.Cut() {
			m.Length = uint64(b.Length())
		}
		list = append(list, m)
	}
	return list
}
