package judge

import (
	"bytes"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/conformance/internal/rules"
)

// oddities are what tells each server of the zoo from others: something that is
// seen in a call, or in an answer and an earlier one about the same operation.
var oddities = map[string]func(s *rules.Seen, earlier []*rules.Seen) bool{
	"reference-mock": func(s *rules.Seen, _ []*rules.Seen) bool {
		_, ok := s.ResponseHeader.Get("x-optest-scenario")
		return ok
	},
	"eventual": func(s *rules.Seen, earlier []*rules.Seen) bool {
		return len(earlier) > 0 && s.Is(rules.MethodGet) && s.Code() == code.Code_NOT_FOUND
	},
	"second-precision": func(s *rules.Seen, _ []*rules.Seen) bool {
		return s.Answer != nil && s.Returned%time.Second > time.Millisecond && s.Answer.GetCreatedAt().GetNanos() == 0
	},
	"newer": func(s *rules.Seen, _ []*rules.Seen) bool {
		return s.Answer != nil && len(s.Answer.ProtoReflect().GetUnknown()) > 0
	},
	"cancel-refused": func(s *rules.Seen, _ []*rules.Seen) bool {
		return s.Is(rules.MethodCancel) && s.Code() == code.Code_FAILED_PRECONDITION
	},
	"success-wins": func(s *rules.Seen, earlier []*rules.Seen) bool {
		for _, e := range earlier {
			if e.Is(rules.MethodCancel) && e.OK() && e.Answer.Rank() == rules.Pending && s.Answer != nil && s.Answer.GetResponse() != nil {
				return true
			}
		}
		return false
	},
	"long-rollback": func(s *rules.Seen, earlier []*rules.Seen) bool {
		for _, e := range earlier {
			if e.Answer != nil && e.Answer.Rank() == rules.Failing && s.Answer != nil && s.Answer.Rank() == rules.Failing && s.Called-e.Called > time.Hour {
				return true
			}
		}
		return false
	},
	"replays": func(s *rules.Seen, _ []*rules.Seen) bool {
		key, _ := s.RequestHeader.Get("idempotency-key")
		return s.OK() && key == "not-a-uuid"
	},
	"skewed-clocks": func(s *rules.Seen, _ []*rules.Seen) bool {
		return s.Answer != nil && s.Answer.Image.GetCreatedAt().AsTime().After(s.Answer.GetModifiedAt().AsTime())
	},
	"renders-now": func(s *rules.Seen, earlier []*rules.Seen) bool {
		for _, e := range earlier {
			if e.Answer != nil && e.Answer.Image != nil && s.Answer != nil && s.Answer.Image.GetDescription() != e.Answer.Image.GetDescription() {
				return true
			}
		}
		return false
	},
	"forbids": func(s *rules.Seen, _ []*rules.Seen) bool {
		return s.Is(rules.MethodGet) && s.Code() == code.Code_PERMISSION_DENIED
	},
	"stalls": func(s *rules.Seen, _ []*rules.Seen) bool { return s.Returned-s.Called >= 5*time.Second },
	"instant": func(s *rules.Seen, _ []*rules.Seen) bool {
		return s.Is(rules.MethodCreate) && s.Answer != nil && s.Answer.GetDone()
	},
	"unique-names": func(s *rules.Seen, _ []*rules.Seen) bool {
		r, ok := s.Request.(*clouddesktop.CopyFromDesktopRequest)
		return ok && r.GetName() != "" && s.Code() == code.Code_ALREADY_EXISTS
	},
	"spelled-out": func(s *rules.Seen, _ []*rules.Seen) bool {
		return bytes.Contains(s.RawJSON(), []byte(`"error":null`))
	},
}

// shows reports whether a server shows in a run in what it is odd.
func shows(r *Run, name string) bool {
	odd, ok := oddities[name]
	if !ok {
		return false
	}
	tape := rules.NewTape(r.Env, r.Events)
	about := map[string][]*rules.Seen{}
	for i := range tape.Events {
		s := tape.At(i)
		id := operationID(s)
		if odd(s, about[id]) {
			return true
		}
		if id != "" && (s.Answer != nil || len(about[id]) > 0) {
			about[id] = append(about[id], s)
		}
	}
	return false
}

// operationID is the operation that a call asks for or was answered with.
func operationID(s *rules.Seen) string {
	if r, ok := s.Request.(interface{ GetOperationId() string }); ok {
		return r.GetOperationId()
	}
	if s.Answer != nil {
		return s.Answer.GetId()
	}
	return ""
}
