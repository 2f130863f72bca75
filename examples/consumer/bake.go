// Package bake makes golden images out of desktops: client code as a program
// that uses the API would have it. Its tests are what this module is an example
// of: they play whole lives of operations to it, in memory and in virtual time.
package bake

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Image copies an image from the desktop and returns it once it is ready. How
// long that may take is up to ctx. An error names the operation as soon as there
// is one; where the operation itself failed, status.Code tells how.
func Image(ctx context.Context, conn grpc.ClientConnInterface, desktop string) (*clouddesktop.DesktopImage, error) {
	op, err := create(ctx, clouddesktop.NewDesktopImageServiceClient(conn), desktop)
	if err != nil {
		return nil, err
	}
	op, err = wait(ctx, operation.NewOperationServiceClient(conn), op)
	if err != nil {
		return nil, err
	}
	return result(op)
}

// create starts the operation. The key lets it try again without a second image
// where only the answer was lost.
func create(ctx context.Context, images clouddesktop.DesktopImageServiceClient, desktop string) (*operation.Operation, error) {
	keyed := metadata.AppendToOutgoingContext(ctx, "idempotency-key", newKey())
	for pace := firstPause; ; pace = pace.next() {
		op, err := images.CopyFromDesktop(keyed, &clouddesktop.CopyFromDesktopRequest{Name: "golden", DesktopId: desktop})
		switch {
		case err == nil:
			return op, nil
		case status.Code(err) != codes.Unavailable:
			return nil, fmt.Errorf("copying from desktop %q: %w", desktop, err)
		}
		if e := pace.sleep(ctx); e != nil {
			return nil, fmt.Errorf("copying from desktop %q: %w", desktop, errors.Join(e, err))
		}
	}
}

// result is what an operation that is done has come to.
func result(op *operation.Operation) (*clouddesktop.DesktopImage, error) {
	if op.GetError().GetCode() != int32(codes.OK) {
		return nil, fmt.Errorf("operation %q failed: %w", op.GetId(), status.ErrorProto(op.GetError()))
	}
	if op.GetResponse() == nil {
		return nil, fmt.Errorf("operation %q is done with neither a response nor an error", op.GetId())
	}
	image := &clouddesktop.DesktopImage{}
	if err := op.GetResponse().UnmarshalTo(image); err != nil {
		return nil, fmt.Errorf("response of operation %q: %w", op.GetId(), err)
	}
	return image, nil
}

// newKey is a random UUID, version 4.
func newKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
