package rules

import (
	"fmt"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/trace"
)

// judgeReadBack looks for images that are not what their operations responded
// with.
func judgeReadBack(env *Env) Machine {
	var waiting held
	latest := map[string]*trace.Blob{} // what was read, by operation
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			op := s.Made
			if op == nil || !s.Is(MethodGetImage) || op.Done == nil || op.Done.Answer.Image == nil || op.Done.Returned+env.Window >= s.Called {
				return
			}
			if s.Failed() && s.Code() == code.Code_NOT_FOUND && env.World {
				waiting.hold(s, func(sink *Sink) { judgeLostImage(env, op, s, sink) })
			}
			image, ok := s.Response.(*clouddesktop.DesktopImage)
			if !ok || latest[op.ID] == s.Event.Response {
				return
			}
			if len(latest) >= maxVisited {
				clear(latest)
			}
			latest[op.ID] = s.Event.Response
			sink.Exercise(op.ID)
			waiting.hold(s, func(sink *Sink) {
				for _, l := range op.Looks {
					a := l.First
					if a.Answer.Image == nil || !a.Answer.GetDone() {
						continue
					}
					written := !env.World || op.changedBy(s, MethodUpdate, MethodDelete) != nil || op.changedBy(a, MethodUpdate, MethodDelete) != nil
					if different := differences(a.Answer.Image, image, written); different != "" {
						sink.Breach(by(a, s), "%s and %s tell of one image, which its operation responded with, and differ in %s; the response of an operation that succeeded is the image as it is", a.When(), s.When(), different)
						return
					}
				}
			})
		},
		End: waiting.end,
	}
}

// judgeLostImage is about an image that was made and is not found.
func judgeLostImage(env *Env, op *Op, s *Seen, sink *Sink) {
	if op.changedBy(s, MethodDelete) != nil {
		return
	}
	sink.Exercise(op.ID)
	breachOfParty(env, sink, op.Done, s, by(op.Done, s), "%s said that the operation had succeeded, and %s does not find its image, which nobody has deleted", op.Done.When(), s.When())
}

// differences are the fields in which two views of an image differ that should
// not. Where somebody may have written to it, its name may.
func differences(a, b *clouddesktop.DesktopImage, written bool) string {
	var list []string
	add := func(name string, one, other any) {
		if one != other {
			list = append(list, fmt.Sprintf("%s (%v and %v)", name, one, other))
		}
	}
	add("id", short(a.GetId()), short(b.GetId()))
	add("folder_id", short(a.GetFolderId()), short(b.GetFolderId()))
	if !written {
		add("name", a.GetName(), b.GetName())
	}
	if !sameInstant(a.GetCreatedAt(), b.GetCreatedAt()) {
		add("created_at", stampText(a.GetCreatedAt()), stampText(b.GetCreatedAt()))
	}
	add("storage_size", a.GetStorageSize(), b.GetStorageSize())
	add("min_disk_size", a.GetMinDiskSize(), b.GetMinDiskSize())
	return strings.Join(list, ", ")
}
