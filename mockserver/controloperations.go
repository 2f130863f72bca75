package mockserver

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// A page of what the control API lists.
const (
	defaultPage = 100
	maxPage     = 1000
)

func pageSize(asked int32) (int, error) {
	if asked < 0 || asked > maxPage {
		return 0, invalid("page_size", "got %d, want 0 to %d", asked, maxPage)
	}
	return int(cmp.Or(asked, defaultPage)), nil
}

// listOperations lists by creation. A page token is the id of the page's last
// operation, so that new operations are on later pages.
func listOperations(c *call, req *optestv1.ListOperationsRequest) (*optestv1.ListOperationsResponse, error) {
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	all := c.session.store.all()
	if token := req.GetPageToken(); token != "" {
		i := slices.IndexFunc(all, func(op *longRunning) bool { return op.id == token })
		if i < 0 {
			return nil, invalid("page_token", "got %s, want the next_page_token of another page", quoted(token))
		}
		all = all[i+1:]
	}
	response := &optestv1.ListOperationsResponse{}
	for _, op := range all[:min(size, len(all))] {
		state, err := op.report(c.now)
		if err != nil {
			return nil, err
		}
		response.Operations = append(response.Operations, state)
	}
	if len(all) > size {
		response.NextPageToken = all[size-1].id
	}
	return response, nil
}

// all are the operations, the oldest first.
func (s *store) all() []*longRunning {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.inOrder()
}

func (op *longRunning) report(now time.Time) (*optestv1.OperationState, error) {
	request, err := anypb.New(op.request())
	if err != nil {
		return nil, err
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	life, age := op.life(), op.age(now)
	st := op.playing.plan.At(age, life)
	report := &optestv1.OperationState{
		Id:        op.id,
		Method:    strings.TrimPrefix(op.method.procedure, "/"),
		Scenario:  op.playing.name(),
		Request:   request,
		CreatedAt: timestamp(op.created),
		Phase:     faultPhase(st.Phase),
		Step:      st.Step,
		Polls:     op.polls,
	}
	if step, at, ok := op.playing.plan.Next(age, life); ok {
		report.NextStep, report.NextAt = step, timestamppb.New(time.Unix(0, op.created+int64(at)))
	}
	if life.Cancelled != nil {
		report.CancelledAt = timestamppb.New(time.Unix(0, op.created+int64(*life.Cancelled)))
	}
	return report, nil
}
