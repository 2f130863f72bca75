package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/optest-dev/optest/trace"
)

// server is what a healthy server keeps.
type server struct {
	scene  *scene
	made   int
	images []*clouddesktop.DesktopImage
}

// life is an operation and the image that it is about.
type life struct {
	scene   *scene
	unit    time.Duration // of its stamps
	method  string
	request proto.Message
	op      *operation.Operation
	image   *clouddesktop.DesktopImage
}

// make begins an operation that nobody has asked for yet, with stamps in the given
// unit.
func (s *server) make(method string, request proto.Message, unit time.Duration) *life {
	s.made++
	now := s.scene.now + time.Millisecond
	l := &life{scene: s.scene, unit: unit, method: method, request: request, op: &operation.Operation{
		Id:          fmt.Sprintf("fv4%017d", s.made),
		Description: "Work on a desktop image",
		CreatedAt:   stamp(now, unit),
		CreatedBy:   "aje-caller",
		ModifiedAt:  stamp(now, unit),
	}}
	var metadata proto.Message
	switch r := request.(type) {
	case *clouddesktop.CopyFromDesktopRequest:
		folder := r.GetFolderId()
		if folder == "" {
			folder = "folder-by-default"
		}
		l.image = s.newImage(folder, r.GetName(), r.GetDescription(), r.GetLabels(), l)
		metadata = &clouddesktop.CopyFromDesktopMetadata{ImageId: l.image.GetId()}
	case *clouddesktop.CopyDesktopImageRequest:
		l.image = s.newImage(r.GetFolderId(), r.GetName(), r.GetDescription(), r.GetLabels(), l)
		metadata = &clouddesktop.CopyDesktopImageMetadata{ImageId: l.image.GetId()}
	case *clouddesktop.UpdateDesktopImageRequest:
		l.image = s.find(r.GetImageId())
		metadata = &clouddesktop.UpdateDesktopImageMetadata{ImageId: r.GetImageId()}
	case *clouddesktop.DeleteDesktopImageRequest:
		l.image = s.find(r.GetImageId())
		l.image.Status = clouddesktop.DesktopImage_DELETING
		metadata = &clouddesktop.DeleteDesktopImageMetadata{ImageId: r.GetImageId()}
	}
	l.op.Metadata = s.packed(metadata)
	return l
}

func (s *server) newImage(folder, name, description string, labels map[string]string, l *life) *clouddesktop.DesktopImage {
	image := &clouddesktop.DesktopImage{
		Id: fmt.Sprintf("fdv%017d", s.made), FolderId: folder, CreatedAt: l.op.GetCreatedAt(), Status: clouddesktop.DesktopImage_CREATING,
		Name: name, Description: description, Labels: labels,
		StorageSize: 1<<53 + 1, MinDiskSize: 64 << 30,
	}
	s.images = append(s.images, image)
	return image
}

func (s *server) packed(m proto.Message) *anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		s.scene.t.Fatal(err)
	}
	return a
}

func (s *server) find(id string) *clouddesktop.DesktopImage {
	for _, image := range s.images {
		if image.GetId() == id {
			return image
		}
	}
	return nil
}

func (s *server) remove(id string) {
	s.images = slices.DeleteFunc(s.images, func(i *clouddesktop.DesktopImage) bool { return i.GetId() == id })
}

// touch notes a change at this moment.
func (l *life) touch() { l.op.ModifiedAt = stamp(l.scene.now+time.Millisecond, l.unit) }

// failing shows an error while the image is being rolled back.
func (l *life) failing(c code.Code, message string) {
	l.op.Result = &operation.Operation_Error{Error: &status.Status{Code: int32(c), Message: message, Details: []*anypb.Any{
		l.scene.server.packed(&errdetails.ErrorInfo{Reason: "OUT_OF_LUCK", Domain: "clouddesktop"}),
	}}}
	l.image.Status = clouddesktop.DesktopImage_DELETING
	l.touch()
}

// ends is done with the error that was shown, and the image is gone.
func (l *life) ends() {
	l.op.Done = true
	l.touch()
	l.scene.server.remove(l.image.GetId())
}

// succeeds is done with what the method responds with.
func (l *life) succeeds() {
	s := l.scene.server
	var response proto.Message = l.image
	switch r := l.request.(type) {
	case *clouddesktop.UpdateDesktopImageRequest:
		if r.GetName() != "" {
			l.image.Name = r.GetName()
		}
		if len(r.GetLabels()) > 0 {
			l.image.Labels = r.GetLabels()
		}
	case *clouddesktop.DeleteDesktopImageRequest:
		s.remove(r.GetImageId())
		response = &emptypb.Empty{}
	default:
		l.image.Status = clouddesktop.DesktopImage_ACTIVE
	}
	l.op.Done = true
	l.op.Result = &operation.Operation_Response{Response: s.packed(response)}
	l.touch()
}

// answers records a call of the operation's method that it answers, as the first
// one or as one that repeats it.
func (l *life) answers(c *client, fields ...trace.Field) *trace.Event {
	return c.ok(l.method, l.request, l.op, fields...)
}

// begins makes an operation and records the call.
func (c *client) begins(method string, request proto.Message, unit time.Duration, fields ...trace.Field) *life {
	l := c.server.make(method, request, unit)
	l.answers(c, fields...)
	return l
}

// reads polls the operation.
func (c *client) reads(l *life, fields ...trace.Field) *trace.Event {
	return c.ok(MethodGet, &operation.GetOperationRequest{OperationId: l.op.GetId()}, l.op, fields...)
}

// cancels asks for the end of the operation. What comes of it is up to the caller.
func (c *client) cancels(l *life, fields ...trace.Field) *trace.Event {
	return c.ok(MethodCancel, &operation.CancelOperationRequest{OperationId: l.op.GetId()}, l.op, fields...)
}

// looksAt reads an image.
func (c *client) looksAt(id string) *trace.Event {
	request := &clouddesktop.GetDesktopImageRequest{ImageId: id}
	if image := c.server.find(id); image != nil {
		return c.ok(MethodGetImage, request, image)
	}
	return c.fails(MethodGetImage, request, c.server.missing("DesktopImage", id))
}

// lists reads all pages of a folder.
func (c *client) lists(folder string, page int) {
	var in []*clouddesktop.DesktopImage
	for _, image := range c.server.images {
		if image.GetFolderId() == folder {
			in = append(in, image)
		}
	}
	for token, n := "", 0; ; n++ {
		response := &clouddesktop.ListDesktopImagesResponse{DesktopImages: in[:min(page, len(in))]}
		in = in[len(response.GetDesktopImages()):]
		if len(in) > 0 {
			response.NextPageToken = fmt.Sprintf("page-%d", n+1)
		}
		c.ok(MethodListImage, &clouddesktop.ListDesktopImagesRequest{FolderId: folder, PageSize: int64(page), PageToken: token}, response)
		if token = response.GetNextPageToken(); token == "" {
			return
		}
	}
}

// missing is the status of what does not exist.
func (s *server) missing(kind, id string) *status.Status {
	return &status.Status{Code: int32(code.Code_NOT_FOUND), Message: kind + " not found", Details: []*anypb.Any{
		s.packed(&errdetails.ResourceInfo{ResourceType: kind, ResourceName: id}),
	}}
}

// illegal is the status of a request with a field that can't be.
func (s *server) illegal(field, why string) *status.Status {
	return &status.Status{Code: int32(code.Code_INVALID_ARGUMENT), Message: "Illegal argument " + field, Details: []*anypb.Any{
		s.packed(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: why}}}),
	}}
}
