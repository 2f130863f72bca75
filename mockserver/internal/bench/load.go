package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// load is who calls at once. Callers share the connections.
type load struct{ callers, conns int }

var (
	alone    = load{callers: 1, conns: 1}
	together = load{callers: 50, conns: 4}
)

func (l load) String() string { return fmt.Sprintf("%d callers on %d connections", l.callers, l.conns) }

// client is a grpc-go client with several connections.
type client []*grpc.ClientConn

func dial(address string, conns int) (client, error) {
	c := make(client, conns)
	for i := range c {
		conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		c[i] = conn
	}
	return c, nil
}

func (c client) close() {
	for _, conn := range c {
		_ = conn.Close() // it only says that it is closed already
	}
}

// rpc is one call.
type rpc func(ctx context.Context, conn *grpc.ClientConn) error

func create(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := started(ctx, conn)
	return err
}

// started is the id of a new operation.
func started(ctx context.Context, conn *grpc.ClientConn) (string, error) {
	op, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(ctx, request())
	return op.GetId(), err
}

func request() *clouddesktop.CopyFromDesktopRequest {
	return &clouddesktop.CopyFromDesktopRequest{
		FolderId:    "b1g00000000000000001",
		Name:        "nightly-image",
		DesktopId:   "ecd00000000000000001",
		Description: "A desktop with all that the team needs",
	}
}

func get(id string) rpc {
	return func(ctx context.Context, conn *grpc.ClientConn) error {
		_, err := operation.NewOperationServiceClient(conn).Get(ctx, &operation.GetOperationRequest{OperationId: id})
		return err
	}
}

// mixed is one create per nine gets.
func mixed(id string) rpc {
	var n atomic.Uint64
	poll := get(id)
	return func(ctx context.Context, conn *grpc.ClientConn) error {
		if n.Add(1)%10 == 0 {
			return create(ctx, conn)
		}
		return poll(ctx, conn)
	}
}

// during calls for a while and returns the calls a second.
func (l load) during(ctx context.Context, c client, d time.Duration, call rpc) (calls int, perSecond float64, err error) {
	began := time.Now()
	calls, err = l.drive(ctx, c, func() bool { return time.Since(began) < d }, call)
	return calls, float64(calls) / time.Since(began).Seconds(), err
}

// times calls n times.
func (l load) times(ctx context.Context, c client, n int, call rpc) error {
	var begun atomic.Int64
	_, err := l.drive(ctx, c, func() bool { return begun.Add(1) <= int64(n) }, call)
	return err
}

// drive calls as long as more says, and ends all callers at the first error.
func (l load) drive(ctx context.Context, c client, more func() bool, call rpc) (int, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var done atomic.Int64
	var work sync.WaitGroup
	for i := range l.callers {
		conn := c[i%min(l.conns, len(c))]
		work.Go(func() {
			for more() {
				if err := call(ctx, conn); err != nil {
					stop(err)
					return
				}
				done.Add(1)
			}
		})
	}
	work.Wait()
	return int(done.Load()), context.Cause(ctx)
}
