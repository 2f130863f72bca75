// Package observer judges calls as they are recorded: what a hook in a client and
// a proxy have in common.
package observer

import (
	"fmt"
	"io"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exchange"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Config says what to do with what is seen.
type Config struct {
	// Options are for the verifier.
	Options []conformance.Option
	// Secrets are names of headers, metadata and query parameters.
	Secrets []string
	// Trace takes every event, if it is not nil.
	Trace io.Writer
	// Found is called with each finding, if it is not nil, while other calls wait.
	Found func(conformance.Found)
	// Keep is how many events are kept for [Observer.Seen].
	Keep int
}

// Observer holds calls against the rules while they come in. It is safe for
// concurrent use.
type Observer struct {
	Recorder *exchange.Recorder
	config   Config
	header   *optestv1.TraceHeader

	// With the recorder's lock held:
	verifier *conformance.Verifier
	writer   *trace.Writer
	recent   recent
	report   *conformance.Report
	err      error // of the writer
}

// New begins to observe. The header says who does and what can be seen.
func New(header *optestv1.TraceHeader, c Config) (*Observer, error) {
	o := &Observer{config: c, header: header, recent: recent{most: c.Keep}}
	o.Recorder = exchange.NewRecorder(trace.NewRedactor(c.Secrets...), o.take)
	header.Version, header.Tool, header.Clock = trace.Version, "optest", optestv1.TraceHeader_MONOTONIC
	header.Start = timestamppb.New(o.Recorder.Start())
	var err error
	if o.verifier, err = conformance.NewVerifier(header, c.Options...); err != nil {
		return nil, err
	}
	header.Profile = o.verifier.Profile()
	if c.Trace != nil {
		if o.writer, err = trace.NewWriter(c.Trace, header); err != nil {
			return nil, fmt.Errorf("optest: trace: %w", err)
		}
	}
	return o, nil
}

// take is called by the recorder, with its lock held.
func (o *Observer) take(e *trace.Event) {
	if o.report != nil {
		return // it came too late
	}
	o.write(func(w *trace.Writer) error { return w.Write(e) })
	o.recent.add(e)
	for _, f := range o.verifier.Observe(e) {
		if o.config.Found != nil {
			o.config.Found(f)
		}
	}
}

// write calls the function unless the trace has failed before: what comes after
// that would come without what was before.
func (o *Observer) write(f func(*trace.Writer) error) {
	if o.writer == nil || o.err != nil {
		return
	}
	if err := f(o.writer); err != nil {
		o.err = fmt.Errorf("optest: trace: %w", err)
	}
}

// Flush has the trace hold every event so far.
func (o *Observer) Flush() {
	o.Recorder.Do(func() { o.write((*trace.Writer).Flush) })
}

// Report ends the observation. To call it again returns the same. The error is the
// trace's.
func (o *Observer) Report() (*conformance.Report, error) {
	o.Recorder.Do(func() {
		if o.report != nil {
			return
		}
		o.report = o.verifier.Report()
		o.write((*trace.Writer).Close)
	})
	return o.report, o.err
}

// Seen are the latest events.
func (o *Observer) Seen() *trace.Trace {
	var t *trace.Trace
	o.Recorder.Do(func() { t = o.recent.trace(o.header) })
	return t
}
