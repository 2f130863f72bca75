package mockserver

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// 50 sessions use the same idempotency key, folder and ids of desktops at once,
// and see nothing of each other.
func TestSessionsSeeNothingOfEachOther(t *testing.T) {
	s := New(t, Listen("127.0.0.1:0"))
	const images = 5
	var wg sync.WaitGroup
	ids := make([][]string, 50)
	for i := range ids {
		wg.Go(func() {
			ctx := metadata.AppendToOutgoingContext(t.Context(), HeaderSession, fmt.Sprintf("suite-%d", i))
			for n := range images {
				key := fmt.Sprintf("6f1dfd83-4e06-4b5c-9f0e-%012d", n)
				op, err := copyFromDesktop(withKey(ctx, key), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant", FolderId: "f", Name: fmt.Sprint(i)})
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = append(ids[i], op.GetId())
			}
			list, err := imagesOf(s).List(ctx, &clouddesktop.ListDesktopImagesRequest{FolderId: "f"})
			if err != nil || len(list.GetDesktopImages()) != images {
				t.Errorf("session %d lists %d images (%v), want its own %d", i, len(list.GetDesktopImages()), err, images)
			}
			for _, image := range list.GetDesktopImages() {
				if image.GetName() != fmt.Sprint(i) {
					t.Errorf("session %d sees an image of session %s", i, image.GetName())
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for i, own := range ids {
		for _, id := range own {
			if seen[id] {
				t.Errorf("operation %s is in two sessions", id)
			}
			seen[id] = true
		}
		other := metadata.AppendToOutgoingContext(t.Context(), HeaderSession, fmt.Sprintf("suite-%d", (i+1)%len(ids)))
		if _, err := getOperation(other, s, own[0]); status.Code(err) != codes.NotFound {
			t.Errorf("the next session reads an operation of session %d: %v", i, err)
		}
	}
	if calls := s.Calls(); len(calls) != 0 {
		t.Errorf("the session without a name saw %d calls, want none", len(calls))
	}
}

func TestBoundsOnSessions(t *testing.T) {
	s := New(t)
	in := func(name string) error {
		_, err := getOperation(metadata.AppendToOutgoingContext(t.Context(), HeaderSession, name), s, "x")
		return err
	}
	for i := range maxSessions {
		if err := in(fmt.Sprint(i)); status.Code(err) != codes.NotFound {
			t.Fatal(err)
		}
	}
	if err := in("one more"); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "1000") {
		t.Errorf("one session more got %v, want RESOURCE_EXHAUSTED that names the bound", err)
	}
	if err := in(strings.Repeat("x", maxSessionName+1)); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a long name got %v, want INVALID_ARGUMENT", err)
	}
	if err := in("7"); status.Code(err) != codes.NotFound {
		t.Errorf("a session that is open got %v", err)
	}
}
