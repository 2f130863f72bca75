package timeline

import (
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/optest-dev/optest/mockserver/engine"
)

// shows says what a client sees of the operation that it did not see before.
func (t texts) shows(before, after engine.State) []string {
	var list []string
	if changed(before.Description, after.Description) {
		list = append(list, "description "+t.quote(*after.Description))
	}
	if changed(before.Progress, after.Progress) {
		list = append(list, fmt.Sprintf("progress %d%%", *after.Progress))
	}
	if fields := newFields(before.Metadata, after.Metadata); len(fields) > 0 {
		list = append(list, "metadata "+t.fields(after.Metadata, fields))
	}
	switch {
	case before.PollHint == after.PollHint:
	case after.PollHint == "":
		list = append(list, "no poll interval")
	default:
		list = append(list, "poll interval "+t.word(after.PollHint))
	}
	if after.Error != nil && (before.Phase != after.Phase || !proto.Equal(before.Error, after.Error)) {
		list = append(list, "error "+t.status(after.Error))
	}
	if after.Phase == engine.Succeeded && before.Phase != after.Phase {
		text := "response"
		if fields := names(after.Response); len(fields) > 0 {
			text += " with " + t.fields(after.Response, fields)
		}
		list = append(list, text)
	}
	return list
}

func changed[T comparable](before, after *T) bool {
	return after != nil && (before == nil || *before != *after)
}

// newFields are the names of the fields that differ.
func newFields(before, after *structpb.Struct) []string {
	return slices.DeleteFunc(names(after), func(name string) bool {
		old, ok := before.GetFields()[name]
		return ok && proto.Equal(old, after.GetFields()[name])
	})
}

func names(s *structpb.Struct) []string { return slices.Sorted(maps.Keys(s.GetFields())) }
