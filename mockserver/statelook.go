package mockserver

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// savedLook is nil for an operation that looks as its scenario says.
func savedLook(st *engine.State) *optestv1.SavedLook {
	if st == nil {
		return nil
	}
	return &optestv1.SavedLook{
		Phase:       faultPhase(st.Phase),
		Step:        st.Step,
		Modified:    durationpb.New(st.Modified),
		Description: st.Description,
		Progress:    st.Progress,
		PollHint:    st.PollHint,
		Metadata:    proto.CloneOf(st.Metadata),
		Error:       proto.CloneOf(st.Error),
		Response:    proto.CloneOf(st.Response),
	}
}

func loadedLook(saved *optestv1.SavedLook, path string) (*engine.State, error) {
	if saved == nil {
		return nil, nil
	}
	for _, text := range []struct{ path, value string }{{".step", saved.GetStep()}, {".poll_hint", saved.GetPollHint()}} {
		if !fitsHeader(text.value) {
			return nil, invalid(path+text.path, "got %s, want at most %d printable ASCII characters: it goes to a header", quoted(text.value), maxHeaderText)
		}
	}
	modified, err := loadedAge(saved.GetModified(), path+".modified")
	if err != nil {
		return nil, err
	}
	st := &engine.State{
		Step:        saved.GetStep(),
		Modified:    modified,
		Description: saved.Description,
		Progress:    saved.Progress,
		PollHint:    saved.GetPollHint(),
		Metadata:    saved.GetMetadata(),
		Error:       saved.GetError(),
		Response:    saved.GetResponse(),
	}
	switch {
	case saved.GetPhase() == optestv1.Fault_RUNNING && st.Error == nil:
		st.Phase = engine.Running
	case saved.GetPhase() == optestv1.Fault_FAILING && st.Error != nil:
		st.Phase = engine.Failing
	case saved.GetPhase() == optestv1.Fault_DONE && st.Error != nil:
		st.Phase = engine.Failed
	case saved.GetPhase() == optestv1.Fault_DONE:
		st.Phase = engine.Succeeded
	default:
		return nil, invalid(path+".phase", "got %s with %s, want RUNNING without an error, FAILING with one, or DONE", saved.GetPhase(), presence(st.Error != nil))
	}
	if st.Phase != engine.Succeeded && st.Response != nil {
		return nil, invalid(path+".response", "is there, want none unless the phase is DONE and there is no error")
	}
	return st, nil
}

// maxHeaderText is more than the name of a step is long.
const maxHeaderText = 256

func fitsHeader(text string) bool {
	return len(text) <= maxHeaderText && strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func presence(there bool) string {
	if there {
		return "an error"
	}
	return "no error"
}
