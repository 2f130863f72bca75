package drive

import (
	"context"
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// headerKey makes calls that carry the same value one call.
const headerKey = "Idempotency-Key"

// refusal is that of a call which was not even sent.
var refusal = &reply{Event: &trace.Event{Outcome: optestv1.Event_FAILED, Failure: &trace.Failure{Code: code.Code_ABORTED}}}

// do makes a call. It always returns a reply.
func (s *stage) do(c *Conn, call Call) *reply { return s.send(c, call, false) }

// doomed makes a call that the server has to refuse.
func (s *stage) doomed(c *Conn, call Call) *reply { return s.send(c, call, true) }

func (s *stage) send(c *Conn, call Call, refusable bool) *reply {
	if s.gone() {
		return unsent
	}
	settle := func(*reply) {}
	if makes(call.Method) {
		var ok bool
		if settle, ok = s.owe(call, refusable); !ok {
			s.short = true
			return unsent
		}
	}
	e, err := c.Do(s.ctx, call)
	if err != nil {
		settle(refusal) // nothing was sent
		if s.ctx.Err() != nil {
			err = fmt.Errorf("optest: the run was ended: %w", context.Cause(s.ctx))
		}
		s.end(err)
		return unsent
	}
	r := newReply(call.Method, e)
	settle(r)
	s.listen(call, r)
	return r
}

// listen ends the run when nothing comes back any more.
func (s *stage) listen(call Call, r *reply) {
	if s.ctx.Err() != nil {
		s.end(fmt.Errorf("optest: the run was ended: %w", context.Cause(s.ctx)))
		return
	}
	s.mu.Lock()
	silent := r.Outcome == optestv1.Event_INDETERMINATE && call.Timeout == 0
	if silent {
		s.lost++
	} else {
		s.lost = 0
	}
	const most = 8
	check := s.lost == most
	s.mu.Unlock()
	if !check || s.answers() {
		return
	}
	s.end(fmt.Errorf("optest: the server has answered and no longer does, %d requests in a row: %s", most, r.Failure.Message))
}

// answers asks over each protocol whether there is still a server.
func (s *stage) answers() bool {
	for _, p := range s.protocols() {
		e, err := s.conn(0, p).Do(s.ctx, Call{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: "optest"}, Timeout: 5 * time.Second})
		if err == nil && e.Outcome != optestv1.Event_INDETERMINATE {
			s.mu.Lock()
			s.lost = 0
			s.mu.Unlock()
			return true
		}
	}
	return false
}

// life is an operation that the run has started.
type life struct {
	id, image string // empty if there is none
	desktop   string
	request   *clouddesktop.CopyFromDesktopRequest
	key       string // empty: none was sent
	first     *reply
	began     time.Time
	last      *operation.Operation // that was seen
	done      bool
	cancelled bool // by the run
}

// see takes an answer in.
func (l *life) see(r *reply) {
	op := r.operation()
	if op == nil {
		return
	}
	l.last = op
	l.done = l.done || op.GetDone()
	if l.image == "" {
		l.image = imageOf(op)
	}
}

// failing reports whether an error shows while the operation is not done.
func (l *life) failing() bool { return !l.done && l.last.GetError() != nil }

// succeeded reports whether the operation has ended with a response.
func (l *life) succeeded() bool { return l.done && l.last.GetResponse() != nil }

// request is one for an image of a desktop.
func (s *stage) request(desktop, kind string) *clouddesktop.CopyFromDesktopRequest {
	return &clouddesktop.CopyFromDesktopRequest{FolderId: s.plan.Folder, Name: s.name(kind), DesktopId: desktop}
}

// create starts an operation, with an idempotency key unless it is empty.
func (s *stage) create(c *Conn, req *clouddesktop.CopyFromDesktopRequest, key string) *life {
	call := Call{Method: methodCreate, Message: req}
	if key != "" {
		call.Header = map[string]string{headerKey: key}
	}
	l := &life{desktop: req.GetDesktopId(), request: req, key: key, began: time.Now()}
	l.first = s.do(c, call)
	// With a key, a call that may or may not have taken effect can be made again.
	const tries = 2
	for try := 0; try < tries && key != "" && !l.first.clear(); try++ {
		s.wait(firstGap)
		l.first = s.do(c, call)
	}
	l.id = l.first.operation().GetId()
	l.see(l.first)
	if l.done {
		s.learn(l)
	}
	return l
}

// begin starts an operation of a desktop over one of all connections.
func (s *stage) begin(desktop, kind string) *life {
	return s.create(s.main(), s.request(desktop, kind), "")
}

// again repeats the call that has started an operation.
func (s *stage) again(c *Conn, l *life) *reply {
	r := s.do(c, Call{Method: methodCreate, Message: l.request, Header: map[string]string{headerKey: l.key}})
	if r.operation().GetId() == l.id {
		l.see(r)
	}
	return r
}

// read reads an operation. One that was not started is not read.
func (s *stage) read(c *Conn, l *life) *reply {
	if l.id == "" {
		return unsent
	}
	r := s.get(c, l.id)
	l.see(r)
	return r
}

func (s *stage) get(c *Conn, id string) *reply {
	return s.do(c, Call{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: id}})
}

// stop cancels an operation that was started.
func (s *stage) stop(c *Conn, l *life) *reply {
	if l.id == "" {
		return unsent
	}
	l.cancelled = true
	r := s.cancel(c, l.id)
	l.see(r)
	return r
}

func (s *stage) cancel(c *Conn, id string) *reply {
	return s.do(c, Call{Method: methodCancel, Message: &operation.CancelOperationRequest{OperationId: id}})
}

// look reads the image that an operation makes, if it is known.
func (s *stage) look(c *Conn, l *life) *reply {
	if l.image == "" {
		return unsent
	}
	return s.getImage(c, l.image)
}

func (s *stage) getImage(c *Conn, id string) *reply {
	r := s.do(c, Call{Method: methodImage, Message: &clouddesktop.GetDesktopImageRequest{ImageId: id}})
	if m, ok := r.message.(*clouddesktop.DesktopImage); ok {
		s.mu.Lock()
		if s.folder == "" {
			s.folder = m.GetFolderId()
		}
		s.mu.Unlock()
	}
	return r
}

// list reads all pages of a folder's images, and reports false if one was not to
// be had. Page size 0 is the server's.
func (s *stage) list(c *Conn, folder string, pageSize int64) (images []*clouddesktop.DesktopImage, ok bool) {
	if folder == "" {
		return nil, false
	}
	const mostPages = 200
	req := &clouddesktop.ListDesktopImagesRequest{FolderId: folder, PageSize: pageSize}
	for range mostPages {
		r := s.do(c, Call{Method: methodList, Message: req})
		page, _ := r.message.(*clouddesktop.ListDesktopImagesResponse)
		if page == nil {
			return images, false
		}
		images = append(images, page.GetDesktopImages()...)
		if page.GetNextPageToken() == "" {
			return images, true
		}
		req = proto.CloneOf(req)
		req.PageToken = page.GetNextPageToken()
	}
	return images, false
}
