// Package exampleserver is a service of images that keeps the contract, written
// straightforwardly on grpc-go: the suite has to find nothing wrong with it. It
// shares no code with the mock server.
package exampleserver

import (
	"context"
	"crypto/subtle"
	"fmt"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Desktops that the server knows, by what becomes of a copy of them. All others
// do not exist.
const (
	Works       = "desktop-that-works"       // succeeds after 30 s
	Breaks      = "desktop-that-breaks"      // fails after 5 s
	BreaksLater = "desktop-that-breaks-late" // shows its failure after 10 s, fails after 40 s
)

// fate is what becomes of a copy.
type fate struct {
	takes    time.Duration
	failure  *status.Status // nil: it succeeds
	shownFor time.Duration  // before the end
}

var fates = map[string]fate{
	Works:       {takes: 30 * time.Second},
	Breaks:      {takes: 5 * time.Second, failure: quotaExceeded()},
	BreaksLater: {takes: 40 * time.Second, failure: status.New(codes.Internal, "the disk of the desktop can't be read"), shownFor: 30 * time.Second},
}

func quotaExceeded() *status.Status {
	st := status.New(codes.ResourceExhausted, "the quota of images is used up")
	detailed, err := st.WithDetails(&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "folder", Description: "10 of 10 images exist"}}})
	if err != nil {
		return st
	}
	return detailed
}

// Server is the service. Its zero value serves everybody.
type Server struct {
	// Token is what callers have to show, if it is not empty.
	Token string

	mu     sync.Mutex
	made   int
	last   time.Time // stamp that was given
	images map[string]*clouddesktop.DesktopImage
	jobs   map[string]*job
	keys   map[string]string // ids of operations
}

// job is an operation and what is to happen in it.
type job struct {
	*operation.Operation
	fate
	began time.Time
	end   func(*job) // what a success does
	undo  func()     // what a failure does
}

// Register has a server of grpc-go serve it.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	clouddesktop.RegisterDesktopImageServiceServer(r, imageService{s})
	operation.RegisterOperationServiceServer(r, operationService{s})
}

// The services, each of which has a Get.
type (
	imageService     struct{ *Server }
	operationService struct{ *Server }
)

// enter locks the server, lets what is due happen, and refuses strangers.
func (s *Server) enter(ctx context.Context) (leave func(), err error) {
	if s.Token != "" {
		want := "Bearer " + s.Token
		got := metadata.ValueFromIncomingContext(ctx, "authorization")
		if len(got) != 1 || subtle.ConstantTimeCompare([]byte(got[0]), []byte(want)) == 0 {
			return nil, status.Error(codes.Unauthenticated, "the caller is not known")
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	s.mu.Lock()
	if s.images == nil {
		s.images, s.jobs, s.keys = map[string]*clouddesktop.DesktopImage{}, map[string]*job{}, map[string]string{}
	}
	now := time.Now()
	for _, j := range s.jobs {
		s.advance(j, now)
	}
	return s.mu.Unlock, nil
}

func (s *Server) advance(j *job, now time.Time) {
	if j.Done {
		return
	}
	ends := j.began.Add(j.takes)
	if shows := ends.Add(-j.shownFor); j.failure != nil && j.GetError() == nil && j.shownFor > 0 && !now.Before(shows) {
		j.Result, j.ModifiedAt = &operation.Operation_Error{Error: j.failure.Proto()}, timestamppb.New(shows)
	}
	switch {
	case now.Before(ends):
	case j.failure != nil:
		s.fail(j, j.failure, ends)
	default:
		j.Done, j.ModifiedAt = true, timestamppb.New(ends)
		j.end(j)
	}
}

func (s *Server) fail(j *job, with *status.Status, at time.Time) {
	j.undo()
	j.Done, j.ModifiedAt = true, timestamppb.New(at)
	j.Result = &operation.Operation_Error{Error: with.Proto()}
}

// id is a new one.
func (s *Server) id(kind string) string {
	s.made++
	return fmt.Sprintf("%s%017d", kind, s.made)
}

// stamp is now, and later than any before.
func (s *Server) stamp() time.Time {
	now := time.Now()
	if !now.After(s.last) {
		now = s.last.Add(time.Microsecond)
	}
	s.last = now
	return now
}

// start makes an operation. With a key that came before it is the one from then.
func (s *Server) start(ctx context.Context, description string, about proto.Message, f fate, begin func(*job) (metadata proto.Message)) (*operation.Operation, error) {
	key := ""
	if keys := metadata.ValueFromIncomingContext(ctx, "idempotency-key"); len(keys) > 0 {
		var err error
		if key, err = normalKey(keys[0]); err != nil {
			return nil, err
		}
		key = string(about.ProtoReflect().Descriptor().FullName()) + " " + key
	}
	if j, ok := s.jobs[s.keys[key]]; ok && key != "" {
		return proto.CloneOf(j.Operation), nil
	}
	now := s.stamp()
	j := &job{began: now, fate: f, end: func(*job) {}, undo: func() {}}
	j.Operation = &operation.Operation{
		Id: s.id("opr"), Description: description, CreatedBy: "aje0example0caller00",
		CreatedAt: timestamppb.New(now), ModifiedAt: timestamppb.New(now),
	}
	var err error
	if j.Metadata, err = packed(begin(j)); err != nil {
		return nil, err
	}
	s.jobs[j.Id] = j
	if key != "" {
		s.keys[key] = j.Id
	}
	s.advance(j, now)
	return proto.CloneOf(j.Operation), nil
}
