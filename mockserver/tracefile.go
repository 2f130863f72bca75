package mockserver

import (
	"fmt"
	"io"

	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Trace writes every call that the server answers to w, in the format of package
// trace, as [Server.Calls] has it: messages byte by byte, secrets blanked.
// The server writes the rest when it closes; w stays open. An error of w is that
// of [Server.Close].
func Trace(w io.Writer) Option { return optionFunc(func(c *config) { c.trace = w }) }

// openTrace begins the trace, if there is to be one.
func (s *Server) openTrace() error {
	if s.config.trace == nil {
		return nil
	}
	writer, err := trace.NewWriter(s.config.trace, &optestv1.TraceHeader{
		Tool:     "optest",
		Observer: optestv1.TraceHeader_SERVER,
		Name:     "mockserver",
		Start:    timestamppb.New(s.root.Load().born),
		Clock:    optestv1.TraceHeader_VIRTUAL,
		Sees:     []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_ALL_WRITERS},
		Seed:     s.config.seed,
	})
	if err != nil {
		return fmt.Errorf("optest: trace: %w", err)
	}
	s.trace, s.traceStart = writer, s.root.Load().born
	return nil
}

// traced hands a call to the trace. What can't be written is reported on Close:
// the writer keeps its first error.
func (s *Server) traced(ss *session, c Call) {
	event := c.event(ss.name, s.traceStart)
	event.Number = 0 // numbered by the writer: sessions number their calls each
	_ = s.trace.Write(event)
}

func (s *Server) closeTrace() error {
	if s.trace == nil {
		return nil
	}
	if err := s.trace.Close(); err != nil {
		return fmt.Errorf("optest: trace: %w", err)
	}
	return nil
}
