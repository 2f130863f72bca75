package rules

import (
	"encoding/json"
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// shownStatus is the status of an image that a call was answered with; documented
// is false for one of a newer server. Text is for people.
func shownStatus(s *Seen, image *clouddesktop.DesktopImage) (text string, documented bool) {
	status := image.GetStatus()
	if _, ok := clouddesktop.DesktopImage_Status_name[int32(status)]; ok {
		return status.String(), true
	}
	// Of a name that is not documented, the decoder keeps no more than that.
	if s.ResponseCodec == optestv1.Event_JSON {
		if name := statusInJSON(s); name != "" {
			return fmt.Sprintf("%q", short(name)), false
		}
	}
	return fmt.Sprint(int32(status)), false
}

// statusInJSON is the name that the image in an answer has as its status, by the
// text of the answer; empty for one that says nothing.
func statusInJSON(s *Seen) string {
	type image struct {
		Status json.RawMessage `json:"status"`
	}
	var answer struct {
		image
		Response image `json:"response"`
	}
	if json.Unmarshal(s.Event.Response.Bytes(), &answer) != nil {
		return ""
	}
	raw := answer.Status
	if s.Answer != nil {
		raw = answer.Response.Status
	}
	var name string
	if json.Unmarshal(raw, &name) != nil || name == clouddesktop.DesktopImage_STATUS_UNSPECIFIED.String() {
		return ""
	}
	return name
}
