package drive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// debt is an image that a call has made, or may have made. It is noted before the
// call goes out.
type debt struct {
	folder, name string
	id           string // empty where no answer has told
	// Refused: the answer says that there is none. A server that has made one all the
	// same would leave it behind.
	refused bool
}

// effectless are codes of calls that have had no effect.
var effectless = []code.Code{
	code.Code_INVALID_ARGUMENT, code.Code_NOT_FOUND, code.Code_ALREADY_EXISTS, code.Code_PERMISSION_DENIED, code.Code_UNAUTHENTICATED,
	code.Code_RESOURCE_EXHAUSTED, code.Code_FAILED_PRECONDITION, code.Code_ABORTED, code.Code_OUT_OF_RANGE, code.Code_UNIMPLEMENTED,
}

// owe notes an image that a call may make, and reserves it in the budget. The
// function takes the reply in. It reports false if the budget has no image left.
func (s *stage) owe(call Call, refusable bool) (settle func(*reply), ok bool) {
	key := strings.ToLower(call.Header[headerKey])
	s.mu.Lock()
	repeated := key != "" && s.keys[key]
	if key != "" {
		s.keys[key] = true
	}
	s.mu.Unlock()
	if !repeated && !s.ledger.mayCreate(refusable) {
		return nil, false
	}
	d := &debt{}
	switch req := call.Message.(type) {
	case *clouddesktop.CopyFromDesktopRequest:
		d.folder, d.name = req.GetFolderId(), req.GetName()
	case *clouddesktop.CopyDesktopImageRequest:
		d.folder, d.name = req.GetFolderId(), req.GetName()
	}
	s.mu.Lock()
	s.debts = append(s.debts, d)
	s.mu.Unlock()
	return func(r *reply) {
		s.mu.Lock()
		defer s.mu.Unlock()
		d.id = imageOf(r.operation())
		d.refused = r.failed() && slices.Contains(effectless, r.Code())
		if d.refused && !repeated {
			s.ledger.refused()
		}
	}, true
}

// Clean deletes the images that the run has made, and returns what it could not
// delete, or not for sure. It goes on when the run has ended, for as long as ctx
// allows.
func (w *World) Clean(ctx context.Context) (left []string) {
	w.ledger.close()
	w.mu.Lock()
	debts := slices.Clone(w.debts)
	w.mu.Unlock()
	if len(debts) == 0 {
		return nil
	}
	w.tell(Progress{Doing: "cleanup"})
	ids := w.owed(ctx, debts, &left)
	const tries = 20
	for try := range tries {
		var again []string
		for _, id := range ids {
			if !w.delete(ctx, id) {
				again = append(again, id)
			}
		}
		ids = again
		// An image that is still being made can't be deleted.
		if len(ids) == 0 || sleep(ctx, min(30*time.Second, time.Second<<min(try, 5))) != nil {
			break
		}
	}
	return append(left, ids...)
}

// owed are the ids of images. Those that no answer has told of are looked up by
// their names, which no other run has.
func (w *World) owed(ctx context.Context, debts []*debt, left *[]string) []string {
	var ids []string
	lists, unlisted := map[string][]*clouddesktop.DesktopImage{}, map[string]bool{"": true}
	for _, d := range debts {
		if d.id != "" {
			ids = append(ids, d.id)
			continue
		}
		folder := d.folder
		if folder == "" {
			folder = w.where()
		}
		if _, ok := lists[folder]; !ok && !unlisted[folder] {
			images, whole := w.cleaner(ctx).list(w.main(), folder, 0)
			lists[folder], unlisted[folder] = images, !whole
		}
		if (unlisted[folder] || d.name == "") && !d.refused {
			*left = append(*left, fmt.Sprintf("image %q in folder %q, if it was made", d.name, folder))
		}
		for _, m := range lists[folder] {
			if d.name != "" && m.GetName() == d.name {
				ids = append(ids, m.GetId())
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// cleaner is a stage of a world that goes on after its run has ended.
func (w *World) cleaner(ctx context.Context) *stage {
	own := &World{plan: w.plan, recorder: w.recorder, ledger: w.ledger, start: w.start, found: w.found, conns: w.conns, keys: map[string]bool{}}
	return &stage{World: own, ctx: ctx}
}

// delete reports whether an image is gone, or on its way.
func (w *World) delete(ctx context.Context, id string) bool {
	e, err := w.main().Do(ctx, Call{Method: methodDelete, Message: proto.Message(&clouddesktop.DeleteDesktopImageRequest{ImageId: id})})
	if err != nil {
		return false
	}
	return e.Outcome == optestv1.Event_OK || e.Outcome == optestv1.Event_FAILED && e.Code() == code.Code_NOT_FOUND
}
