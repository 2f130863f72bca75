package judge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/rules"
)

// traffic are clients such as people write, who know of each other's operations
// and images. Unlike a driver, none of them knows what the others do.
type traffic struct {
	target conformance.Target
	via    via
	// pace is what a second of a client's patience takes.
	pace time.Duration

	mu         sync.Mutex
	operations []string
	images     []string
	// keys are idempotency keys that several clients use, for whatever.
	keys []string
}

// clientHeader names the client in each of its calls, as many do for their logs.
const clientHeader = "x-client"

// client is one program, over one door.
type client struct {
	*traffic
	*door
	name string
	draw *rand.Rand
}

// play has clients talk to the server until all of them are through. The seed
// settles what each of them does, but not how they meet.
func (w *traffic) play(ctx context.Context, seed uint64) error {
	roles := []func(*client, context.Context){
		(*client).bake, (*client).bake, (*client).bake, (*client).bakeCarelessly,
		(*client).watch, (*client).watch, (*client).watch, (*client).garden, (*client).garden, (*client).cancel, (*client).cancel, (*client).stumble,
	}
	for n := range 2 {
		w.keys = append(w.keys, uuid(rand.New(rand.NewPCG(seed, uint64(1000+n)))))
	}
	var work sync.WaitGroup
	defer work.Wait()
	for i, role := range roles {
		draw := rand.New(rand.NewPCG(seed, uint64(i)))
		kind := i % doors
		if i > 0 {
			kind = draw.IntN(doors)
		}
		d, err := w.via.open(kind)
		if err != nil {
			return err
		}
		c := &client{w, d, fmt.Sprintf("client-%d", i), draw}
		work.Go(func() {
			defer c.close()
			c.pause(ctx, 5)
			role(c, ctx)
		})
	}
	return nil
}

// pause waits for up to so many seconds.
func (c *client) pause(ctx context.Context, most float64) {
	timer := time.NewTimer(time.Duration(c.draw.Float64() * most * float64(c.pace)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// often reports true in so many of 100 cases.
func (c *client) often(percent int) bool { return c.draw.IntN(100) < percent }

func (c *client) uuid() string { return uuid(c.draw) }

// sharedKey is one of those that several clients use, empty mostly.
func (c *client) sharedKey() string {
	if c.often(70) {
		return ""
	}
	return c.keys[c.draw.IntN(len(c.keys))]
}

func uuid(draw *rand.Rand) string {
	hex := fmt.Sprintf("%016x%016x", draw.Uint64(), draw.Uint64())
	return strings.Join([]string{hex[:8], hex[8:12], hex[12:16], hex[16:20], hex[20:]}, "-")
}

// do makes a call with a deadline, which may be too short, and notes what others may
// use. The key is empty for none.
func (c *client) do(ctx context.Context, method, key string, request, response proto.Message) error {
	header := map[string]string{clientHeader: c.name, "authorization": "Bearer " + c.target.Token}
	if key != "" {
		header["idempotency-key"] = key
	}
	patience := 20 * c.pace
	if c.often(6) {
		patience = time.Duration(c.draw.Int64N(int64(c.pace)))
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := c.call(ctx, method, header, request, response)
	if op, ok := response.(*operation.Operation); ok && err == nil {
		c.note(op)
	}
	return err
}

func (c *client) note(op *operation.Operation) {
	meta, err := op.GetMetadata().UnmarshalNew()
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.operations, op.GetId()) {
		c.operations = append(c.operations, op.GetId())
	}
	if m, ok := meta.(interface{ GetImageId() string }); ok && !slices.Contains(c.images, m.GetImageId()) {
		c.images = append(c.images, m.GetImageId())
	}
}

// any is one of those that somebody has come across, more often a late one; empty
// while there are none.
func (c *client) any(list *[]string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(*list)
	if n == 0 {
		return ""
	}
	return (*list)[max(c.draw.IntN(n), c.draw.IntN(n))]
}

// imageName is one that others may use, too.
func (c *client) imageName() string { return fmt.Sprintf("golden-%d", c.draw.IntN(20)) }

func (c *client) order() *clouddesktop.CopyFromDesktopRequest {
	r := &clouddesktop.CopyFromDesktopRequest{FolderId: c.target.Folder, Name: c.imageName(), DesktopId: c.target.Desktops.Succeeds}
	switch {
	case c.often(15) && c.target.Desktops.Fails != "":
		r.DesktopId = c.target.Desktops.Fails
	case c.often(20) && c.target.Desktops.FailsLate != "":
		r.DesktopId = c.target.Desktops.FailsLate
	}
	if c.often(40) {
		r.Labels = map[string]string{"team": "vdi", "stage": "test"}
		r.Description = "nightly " + c.name
	}
	if c.often(10) {
		r.Name = ""
	}
	return r
}

// bake orders images, repeats with a key what got lost, and polls with growing
// pauses until each is there, or patience is at its end.
func (c *client) bake(ctx context.Context) {
	for range 2 {
		key, order := c.uuid(), c.order()
		op := &operation.Operation{}
		err := c.do(ctx, rules.MethodCreate, key, order, op)
		for tries := 0; err != nil && tries < 3 && retryable(err); tries++ {
			c.pause(ctx, 1)
			if c.often(20) {
				key = strings.ToUpper(key)
			}
			op.Reset()
			err = c.do(ctx, rules.MethodCreate, key, order, op)
		}
		if err != nil {
			continue
		}
		id := op.GetId()
		if c.often(25) {
			_ = c.do(ctx, rules.MethodCreate, key, order, new(operation.Operation)) // as one that believes the answer lost
		}
		op = c.poll(ctx, id)
		if op.GetDone() && c.often(50) {
			for range 2 {
				c.pause(ctx, 3)
				_ = c.do(ctx, rules.MethodGet, "", &operation.GetOperationRequest{OperationId: id}, new(operation.Operation))
			}
			_ = c.do(ctx, rules.MethodCreate, key, order, new(operation.Operation))
		}
	}
}

// retryable reports whether a client that repeats calls would repeat this one.
func retryable(err error) bool {
	switch codeOf(err) {
	case codes.DeadlineExceeded, codes.Unavailable, codes.Canceled, codes.Aborted, codes.Unknown, codes.Internal:
		return true
	}
	return false
}

// poll reads an operation until it is done, with growing pauses.
func (c *client) poll(ctx context.Context, id string) *operation.Operation {
	wait := 0.5
	op := &operation.Operation{}
	for range 14 {
		c.pause(ctx, 2*wait)
		wait = min(wait*1.6, 60)
		got := &operation.Operation{}
		if c.do(ctx, rules.MethodGet, "", &operation.GetOperationRequest{OperationId: id}, got) != nil {
			continue
		}
		if op = got; op.GetDone() {
			break
		}
	}
	return op
}

// bakeCarelessly orders without keys, or with one that others use, too.
func (c *client) bakeCarelessly(ctx context.Context) {
	for range 5 {
		key := c.sharedKey()
		if c.often(10) {
			key = "nightly-build-7"
		}
		op := &operation.Operation{}
		if c.do(ctx, rules.MethodCreate, key, c.order(), op) == nil && c.often(40) {
			c.poll(ctx, op.GetId())
		}
		c.pause(ctx, 30)
	}
}

// watch reads what others have begun, at times by several calls at once.
func (c *client) watch(ctx context.Context) {
	for range 18 {
		id := c.any(&c.operations)
		if id == "" {
			c.pause(ctx, 3)
			continue
		}
		at := 1
		if c.often(30) {
			at = 3
		}
		c.together(at, func(c *client) {
			_ = c.do(ctx, rules.MethodGet, "", &operation.GetOperationRequest{OperationId: id}, new(operation.Operation))
		})
		c.pause(ctx, 6)
	}
}

// together makes a call so many times at once.
func (c *client) together(n int, call func(*client)) {
	var work sync.WaitGroup
	for i := range n {
		twin := *c
		twin.draw = rand.New(rand.NewPCG(c.draw.Uint64(), uint64(i)))
		work.Go(func() { call(&twin) })
	}
	work.Wait()
}

// cancel gives up operations of others, at times twice at once, while they end.
func (c *client) cancel(ctx context.Context) {
	for range 4 {
		c.pause(ctx, 25)
		id := c.any(&c.operations)
		if id == "" {
			continue
		}
		n := 1
		if c.often(50) {
			n = 2
		}
		c.together(n, func(c *client) {
			_ = c.do(ctx, rules.MethodCancel, "", &operation.CancelOperationRequest{OperationId: id}, new(operation.Operation))
		})
		for range 3 {
			c.pause(ctx, 8)
			_ = c.do(ctx, rules.MethodGet, "", &operation.GetOperationRequest{OperationId: id}, new(operation.Operation))
		}
	}
}

// garden looks after images: lists, reads, renames, copies and deletes them.
func (c *client) garden(ctx context.Context) {
	for range 14 {
		c.pause(ctx, 8)
		id := c.any(&c.images)
		switch what := c.draw.IntN(10); {
		case what < 3 || id == "":
			c.list(ctx)
		case what < 6:
			_ = c.do(ctx, rules.MethodGetImage, "", &clouddesktop.GetDesktopImageRequest{ImageId: id}, new(clouddesktop.DesktopImage))
		case what < 8:
			r := &clouddesktop.UpdateDesktopImageRequest{ImageId: id, Name: c.imageName(), Labels: map[string]string{"by": c.name}}
			r.UpdateMask = &fieldmaskpb.FieldMask{Paths: []string{[]string{"name", "labels", "description"}[c.draw.IntN(3)]}}
			c.change(ctx, rules.MethodUpdate, r)
		case what < 9:
			c.change(ctx, rules.MethodCopy, &clouddesktop.CopyDesktopImageRequest{FolderId: c.target.Folder, Name: c.imageName(), ImageId: id})
		default:
			c.change(ctx, rules.MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: id})
		}
	}
}

// change makes a change, and looks at times what has come of it.
func (c *client) change(ctx context.Context, method string, request proto.Message) {
	key := c.sharedKey()
	if c.often(50) {
		key = c.uuid()
	}
	op := &operation.Operation{}
	err := c.do(ctx, method, key, request, op)
	if err != nil && retryable(err) {
		err = c.do(ctx, method, key, request, op)
	}
	if err == nil && c.often(50) {
		c.poll(ctx, op.GetId())
	}
}

func (c *client) list(ctx context.Context) {
	r := &clouddesktop.ListDesktopImagesRequest{FolderId: c.target.Folder, PageSize: int64(1 + c.draw.IntN(8))}
	for range 6 {
		page := &clouddesktop.ListDesktopImagesResponse{}
		if c.do(ctx, rules.MethodListImage, "", r, page) != nil || page.GetNextPageToken() == "" {
			return
		}
		r = proto.CloneOf(r)
		r.PageToken = page.GetNextPageToken()
	}
}

// stumble makes calls that are wrong, each in its way.
func (c *client) stumble(ctx context.Context) {
	for range 10 {
		c.pause(ctx, 10)
		op := new(operation.Operation)
		order := c.order()
		switch c.draw.IntN(8) {
		case 0:
			_ = c.do(ctx, rules.MethodGet, "", &operation.GetOperationRequest{OperationId: "fv4000000000000000000"}, op)
		case 1:
			_ = c.do(ctx, rules.MethodCancel, "", &operation.CancelOperationRequest{OperationId: "fv4000000000000000000"}, op)
		case 2:
			order.Name = strings.Repeat("й", 51)
			_ = c.do(ctx, rules.MethodCreate, c.sharedKey(), order, op)
		case 3:
			order.DesktopId = c.target.Desktops.Absent
			_ = c.do(ctx, rules.MethodCreate, c.sharedKey(), order, op)
		case 4:
			order.DesktopId = ""
			_ = c.do(ctx, rules.MethodCreate, c.sharedKey(), order, op)
		case 5:
			order.Labels = map[string]string{"Team": "vdi"}
			_ = c.do(ctx, rules.MethodCreate, c.sharedKey(), order, op)
		case 6:
			_ = c.do(ctx, rules.MethodGet, "", &operation.GetOperationRequest{}, op)
		case 7:
			stranger := *c
			stranger.traffic = &traffic{target: c.target, via: c.via, pace: c.pace, keys: c.keys}
			stranger.target.Token = "nobody"
			_ = stranger.do(ctx, rules.MethodGet, "", &operation.GetOperationRequest{OperationId: c.any(&c.operations)}, op)
		}
	}
}
