package rules

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Drift is a place where what is written about the contract differs from the
// contract's protos, or from itself. A server that does either is right.
type Drift struct {
	// ID is such as D4.
	ID string `json:"id"`
	// Written is what a document says, Stands what the protos say, or what else
	// there is to say.
	Written string `json:"written"`
	Stands  string `json:"stands"`
	// Effect is what comes of it for those who believe the document.
	Effect string `json:"effect"`
	// holds reports whether the protos that are linked in still stand as told.
	holds func() bool
}

// Drifts are all that are known.
func Drifts() []Drift {
	request := (&clouddesktop.CopyFromDesktopRequest{}).ProtoReflect().Descriptor()
	image := (&clouddesktop.DesktopImage{}).ProtoReflect().Descriptor()
	copied := (&clouddesktop.CopyDesktopImageRequest{}).ProtoReflect().Descriptor()
	update := (&clouddesktop.UpdateDesktopImageRequest{}).ProtoReflect().Descriptor()
	return []Drift{
		{
			"D1", "The reference page shows the image's labels as a string, with the text of the description.", "labels is a map of string to string.",
			"A client written by the page can't parse an image that has labels.",
			func() bool { return field(image, "labels").IsMap() },
		},
		{
			"D2", "The reference page has neither labels and description of the request nor the image's description.", "All three are there, the request's with the numbers 9 and 10, since February 2026.",
			"A client written by the page can't set them, and drops them.",
			func() bool {
				return field(request, "labels").Number() == 9 && field(request, "description").Number() == 10 && image.Fields().ByName("description") != nil
			},
		},
		{
			"D3", "The reference page gives no lengths; the guide says 64 characters for a name and 256 for a description.", "folder_id, name and desktop_id have at most 50 characters, a description 1024.",
			"Names between 50 and 64 characters are refused although the guide allows them.",
			func() bool {
				return length(request, "folder_id") == "<=50" && length(request, "name") == "<=50" && length(request, "desktop_id") == "<=50" && length(request, "description") == "<=1024"
			},
		},
		{
			"D4", "The guide cancels an operation over REST by POST.", "The route of Cancel is GET /operations/{operation_id}:cancel.",
			"A GET has an effect: whatever follows links, prefetches or repeats reads may cancel.",
			func() bool {
				rule, _ := proto.GetExtension(newMethod(MethodCancel).Desc.Options(), annotations.E_Http).(*annotations.HttpRule)
				return rule.GetGet() != ""
			},
		},
		{
			"D5", "created_at of the image is a timestamp in RFC 3339 text format.", "It is a google.protobuf.Timestamp, which is text in JSON alone.",
			"Over gRPC there is no text to parse.",
			func() bool {
				m := field(image, "created_at").Message()
				return m != nil && m.FullName() == "google.protobuf.Timestamp"
			},
		},
		{
			"D6", "The reference page does not say where the image goes without a folder.", "folder_id and name are required in Copy and not in CopyFromDesktop.",
			"Servers may refuse such a request or choose a folder.",
			func() bool {
				return required(copied, "folder_id") && required(copied, "name") && !required(request, "folder_id") && !required(request, "name")
			},
		},
		{
			"D7", "The guide's example has a 64-bit size as a number of JSON.", "ProtoJSON writes 64-bit numbers as text.",
			"A client written by the example meets a string.",
			func() bool { return wide(field(image, "storage_size")) },
		},
		{
			"D8", "The guide's list of errors calls the code 12 NOT_IMPLEMENTED, and CANCELLED what the client has aborted.", "google.rpc.Code calls it UNIMPLEMENTED; an operation that was cancelled ends with CANCELLED, too.",
			"Programs that compare names find none.",
			func() bool {
				_, there := code.Code_value["NOT_IMPLEMENTED"]
				return code.Code_UNIMPLEMENTED == 12 && !there
			},
		},
		{
			"D9", "Field numbers do not change within a version.", "In June 2025, image_id and update_mask of UpdateDesktopImageRequest changed places: they are 1 and 2 by now.",
			"Clients and servers from before and after it do not understand each other's Update in binary.",
			func() bool {
				return field(update, "image_id").Number() == 1 && field(update, "update_mask").Number() == 2
			},
		},
		{
			"D10", "The guide says that operations which can be cancelled are marked as such.", "Neither the page nor the annotation has a place for the mark.",
			"Whether an image's copy can be cancelled, only trying tells.",
			func() bool { return (&api.Operation{}).ProtoReflect().Descriptor().Fields().Len() == 2 },
		},
		{
			"D11", "The reference page shows no gaps between fields.", "1, 2 and 5 to 7 are reserved in the request, 3, 6 to 10 and 12 in the image.",
			"Old servers and clients may still send them.",
			func() bool { // the oldest version of the message types that will do leaves 1 and 2 out
				return reserves(request, 5, 6, 7) && reserves(image, 3, 6, 7, 8, 9, 10, 12)
			},
		},
	}
}

func field(m protoreflect.MessageDescriptor, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.Fields().ByName(name)
}

func length(m protoreflect.MessageDescriptor, name protoreflect.Name) string {
	text, _ := proto.GetExtension(field(m, name).Options(), cloud.E_Length).(string)
	return text
}

func required(m protoreflect.MessageDescriptor, name protoreflect.Name) bool {
	is, _ := proto.GetExtension(field(m, name).Options(), cloud.E_Required).(bool)
	return is
}

func reserves(m protoreflect.MessageDescriptor, numbers ...protoreflect.FieldNumber) bool {
	for _, n := range numbers {
		if !m.ReservedRanges().Has(n) {
			return false
		}
	}
	return true
}
