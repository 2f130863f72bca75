package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver"
)

// liveOperation is the memory that a running operation takes, and what polls leave behind.
func liveOperation(ctx context.Context, s scale) ([]row, error) {
	perRequest, err := requestHeap(s.Operations)
	if err != nil {
		return nil, err
	}
	mock, err := startSubject(ctx, s, ofOptest)
	if err != nil {
		return nil, err
	}
	perOperation, err := growth(ctx, mock, s.Operations, create)
	if err != nil {
		return nil, errors.Join(err, mock.close())
	}
	perPoll, err := growth(ctx, mock, s.Operations, get(mock.operation))
	if err := errors.Join(err, mock.close()); err != nil {
		return nil, err
	}
	how := fmt.Sprintf("Growth of the server's heap, after collections, by %[1]s CopyFromDesktop and by %[1]s Get over gRPC, the journal "+
		"full before; baseline: that of %[1]s decoded requests kept in a slice, which is subtracted.", grouped(s.Operations))
	beyond := perOperation - perRequest
	return []row{
		{
			Bar: "memory of a live operation", Unit: "B", Optest: &perOperation, Baseline: &perRequest,
			Figure: beyond, FigureUnit: "B more", Want: &want{atMost, 400}, Verdict: judge(beyond, &want{atMost, 400}), How: how,
		},
		{
			Bar: "memory that a poll leaves", Unit: "B", Optest: &perPoll,
			Figure: perPoll, FigureUnit: "B", Want: &want{atMost, 1}, Verdict: judge(perPoll, &want{atMost, 1}), How: how,
		},
	}, nil
}

// moreThanTheJournal are the calls after which the journal is full. Before, each call adds to it.
const moreThanTheJournal = mockserver.DefaultJournal * 3 / 2

// growth is that of the heap by each of n calls.
func growth(ctx context.Context, s *subject, n int, call rpc) (float64, error) {
	if err := together.times(ctx, s.client, moreThanTheJournal, call); err != nil {
		return 0, err
	}
	before, err := s.answer(whatIsKept)
	if err != nil {
		return 0, err
	}
	if err := together.times(ctx, s.client, n, call); err != nil {
		return 0, err
	}
	after, err := s.answer(whatIsKept)
	return (float64(after.Heap) - float64(before.Heap)) / float64(n), err
}

// requestHeap is what a request takes, decoded as the server decodes it.
func requestHeap(n int) (float64, error) {
	wire, err := proto.Marshal(request())
	if err != nil {
		return 0, err
	}
	kept := make([]*clouddesktop.CopyFromDesktopRequest, n)
	before := use(whatIsKept)
	for i := range kept {
		kept[i] = new(clouddesktop.CopyFromDesktopRequest)
		if err := proto.Unmarshal(wire, kept[i]); err != nil {
			return 0, err
		}
	}
	after := use(whatIsKept)
	runtime.KeepAlive(kept)
	return (float64(after.Heap) - float64(before.Heap)) / float64(n), nil
}
