package rules

import (
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// askedFor is the id of the operation that a request for one names, if it does.
func askedFor(s *Seen) (id string, ok bool) {
	switch r := s.Request.(type) {
	case *operation.GetOperationRequest:
		id = r.GetOperationId()
	case *operation.CancelOperationRequest:
		id = r.GetOperationId()
	}
	return id, id != ""
}

// stampFault says what is wrong with a stamp that has to be there, if anything.
func stampFault(name string, stamp *timestamppb.Timestamp) string {
	if stamp == nil {
		return name + " is not set"
	}
	if stamp.CheckValid() != nil {
		return fmt.Sprintf(
			"%s has %d seconds and %d nanoseconds, want a moment of the years 1 to 9999 and 0 to 999999999 nanoseconds: no library can make a time of it",
			name, stamp.GetSeconds(), stamp.GetNanos(),
		)
	}
	return ""
}

// stampText is a stamp as a report shows it.
func stampText(stamp *timestamppb.Timestamp) string { return stamp.AsTime().Format(time.RFC3339Nano) }

func bothStamps(s *Seen) bool {
	return s.Answer.GetCreatedAt().IsValid() && s.Answer.GetModifiedAt().IsValid()
}

func isDone(s *Seen) bool    { return s.Answer.GetDone() }
func hasError(s *Seen) bool  { return s.Answer.GetError() != nil }
func succeeded(s *Seen) bool { return s.Answer.GetDone() && s.Answer.GetResponse() != nil }
