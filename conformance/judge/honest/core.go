package honest

import (
	"context"
	"crypto/subtle"
	"fmt"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Core is a service of images. What is exported is for a [Change], before it
// serves.
type Core struct {
	// Answer answers those who may call. To put a handler around it, use Wrap.
	Answer Handler
	// JSON encodes messages, by Types where those in an Any are met.
	JSON  func(proto.Message) ([]byte, error)
	Types Types
	// Fates are those of copies, by desktop.
	Fates map[string]Fate
	// Copying and Deleting are how long copies and deletions of images take.
	Copying, Deleting time.Duration
	// Moment is the time as of which a call reads.
	Moment func(*Call) time.Time
	// Cancel is called for an operation that is neither done nor failing. An error
	// refuses.
	Cancel func(j *Job, now time.Time) error
	// Skew is how far ahead the clock is that the n-th image is stamped by.
	Skew func(n int) time.Duration
	// NewID makes an id that begins with the kind, of the n-th resource.
	NewID func(kind string, n int) string
	// KeyOf is the idempotency key of a call as it is kept, empty without one.
	KeyOf func(*Call) (string, error)
	// Admit refuses a new image with an error, or changes it.
	Admit func(*clouddesktop.DesktopImage) error

	mu     sync.Mutex
	made   int
	images map[string]*image
	jobs   map[string]*Job
	keys   map[string]string // ids of operations
}

// Change makes a core another.
type Change func(*Core)

// Token is what callers have to show, and Caller who they then are.
const (
	Token  = "honest-token"
	Caller = "ajehonest00caller000"
)

// New makes a core with changes.
func New(changes ...Change) *Core {
	c := &Core{
		Types:    linked,
		Fates:    usual(),
		Copying:  25 * time.Second,
		Deleting: 4 * time.Second,
		Moment:   func(*Call) time.Time { return time.Now() },
		Cancel:   func(j *Job, now time.Time) error { j.Stop(now, now); return nil },
		Skew:     func(int) time.Duration { return 0 },
		NewID:    func(kind string, n int) string { return fmt.Sprintf("%s%017d", kind, n) },
		KeyOf:    UUIDKey,
		Admit:    func(*clouddesktop.DesktopImage) error { return nil },
		images:   map[string]*image{},
		jobs:     map[string]*Job{},
		keys:     map[string]string{},
	}
	c.JSON, c.Answer = c.encodeJSON, c.answer
	for _, change := range changes {
		change(c)
	}
	return c
}

// serve answers those who may call, and refuses others.
func (c *Core) serve(ctx context.Context, call *Call) (proto.Message, error) {
	if subtle.ConstantTimeCompare([]byte(call.Header("authorization")), []byte("Bearer "+Token)) == 0 {
		return nil, status.Error(codes.Unauthenticated, "The token is missing or of nobody")
	}
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return c.Answer(ctx, call)
}

func (c *Core) answer(_ context.Context, call *Call) (proto.Message, error) {
	if err := check(call.Request); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r := call.Request.(type) {
	case *clouddesktop.CopyFromDesktopRequest:
		return c.keyed(call, func() (*operation.Operation, error) { return c.copyFromDesktop(r) })
	case *clouddesktop.CopyDesktopImageRequest:
		return c.keyed(call, func() (*operation.Operation, error) { return c.copyImage(r) })
	case *clouddesktop.UpdateDesktopImageRequest:
		return c.keyed(call, func() (*operation.Operation, error) { return c.updateImage(r) })
	case *clouddesktop.DeleteDesktopImageRequest:
		return c.keyed(call, func() (*operation.Operation, error) { return c.deleteImage(r) })
	case *clouddesktop.GetDesktopImageRequest:
		return c.getImage(r, c.Moment(call))
	case *clouddesktop.ListDesktopImagesRequest:
		return c.listImages(r, c.Moment(call)), nil
	case *operation.GetOperationRequest:
		return c.getOperation(r.GetOperationId(), c.Moment(call))
	case *operation.CancelOperationRequest:
		return c.cancelOperation(r.GetOperationId())
	}
	return nil, status.Errorf(codes.Unimplemented, "There is no method %s", call.Method)
}

// id is a new one.
func (c *Core) id(kind string) string {
	c.made++
	return c.NewID(kind, c.made)
}

func notFound(kind, id string) error {
	return status.Errorf(codes.NotFound, "There is no %s %q", kind, id)
}
