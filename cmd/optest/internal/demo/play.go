package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/mockserver"
)

// play starts a server for the life and a client for the server. It returns the
// operation's id.
func (l life) play(ctx context.Context, s *screen, number int) (id string, err error) {
	srv, err := mockserver.Start(mockserver.Listen("127.0.0.1:0"), mockserver.Speed(l.speed))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, srv.Close()) }()
	conn, err := grpc.NewClient("passthrough:///"+srv.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()

	s.title(number, l)
	began := time.Now()
	waits, cancel := context.WithTimeout(ctx, l.real(l.patience))
	defer cancel()
	c := client{conn: conn, now: srv.Now}
	v, err := c.create(waits, l.scenario)
	// From here on, so that a poll is not just before the moment that it is for.
	ticker := time.NewTicker(l.real(l.every))
	defer ticker.Stop()
	for ; err == nil; v, err = c.poll(waits, v.operation.GetId()) {
		id = v.operation.GetId()
		s.show(v)
		if v.operation.GetDone() {
			s.verdict(v, c.polls, time.Since(began))
		}
		if v.operation.GetDone() || s.err != nil {
			return id, s.err
		}
		select {
		case <-ticker.C:
		case <-waits.Done():
		}
	}
	if ctx.Err() != nil {
		return id, errors.New("interrupted")
	}
	// The server knows the deadline, too, and may be the first to say so.
	if waits.Err() != nil || status.Code(err) == codes.DeadlineExceeded {
		s.gaveUp(id, l.patience, c.polls, time.Since(began))
		return id, s.err
	}
	return id, err
}

// real is how long d by the server's clock takes.
func (l life) real(d time.Duration) time.Duration { return time.Duration(float64(d) / l.speed) }

// client does what any client of the API does.
type client struct {
	conn  *grpc.ClientConn
	now   func() time.Time
	polls int
}

// view is what one answer shows.
type view struct {
	operation *operation.Operation
	age       time.Duration // of the operation
	step      string        // of the scenario, as the server's header has it
}

func (c *client) create(ctx context.Context, scenario string) (view, error) {
	var header metadata.MD
	op, err := clouddesktop.NewDesktopImageServiceClient(c.conn).CopyFromDesktop(ctx,
		&clouddesktop.CopyFromDesktopRequest{FolderId: "demo-folder", DesktopId: scenario, Name: "demo-image"}, grpc.Header(&header))
	return c.view(op, header, err)
}

func (c *client) poll(ctx context.Context, id string) (view, error) {
	c.polls++
	var header metadata.MD
	op, err := operation.NewOperationServiceClient(c.conn).Get(ctx, &operation.GetOperationRequest{OperationId: id}, grpc.Header(&header))
	return c.view(op, header, err)
}

func (c *client) view(op *operation.Operation, header metadata.MD, err error) (view, error) {
	if err != nil {
		return view{}, err
	}
	v := view{operation: op, age: c.now().Sub(op.GetCreatedAt().AsTime())}
	if steps := header.Get(mockserver.HeaderStep); len(steps) > 0 {
		v.step = steps[0]
	}
	return v, nil
}

// state is one word for where the operation is, and why says how it shows.
func (v view) state() (state, why string) {
	op := v.operation
	failure := ""
	if op.GetError() != nil {
		failure = fmt.Sprintf("%s: %s", codeName(op.GetError().GetCode()), op.GetError().GetMessage())
	}
	switch {
	case op.GetDone() && failure != "":
		return failed, failure
	case op.GetDone():
		image := &clouddesktop.DesktopImage{}
		if err := op.GetResponse().UnmarshalTo(image); err != nil {
			return failed, err.Error()
		}
		return succeeded, fmt.Sprintf("image %s is %s", image.GetName(), image.GetStatus())
	case failure != "":
		return failing, codeName(op.GetError().GetCode()) + ", but not done yet"
	}
	return running, op.GetDescription()
}

const (
	running   = "running"
	failing   = "failing"
	failed    = "failed"
	succeeded = "succeeded"
)
