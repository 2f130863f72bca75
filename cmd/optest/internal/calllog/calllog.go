// Package calllog writes a line for each call that a mock server answers.
//
// A line holds what happened to the call and nothing that the client sent: no
// headers, no request, no response. Text that may come from a client, such as
// the name of an unknown method, is bounded and can't begin a line of its own.
package calllog

import (
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/mockserver"
)

// Format is how a call is written.
type Format interface {
	line(e entry) []byte
}

// Log writes calls. It is safe for concurrent use: a line is one Write.
type Log struct {
	format Format
	speed  float64
	now    func() time.Time
	begin  time.Time // by real time and, so near, by the server's clock

	mu sync.Mutex
	w  io.Writer
}

// New logs to w the calls of a server whose clock starts now and runs so many
// times faster than real time.
func New(w io.Writer, f Format, speed float64) *Log {
	return &Log{format: f, speed: speed, now: time.Now, begin: time.Now(), w: w}
}

// Observe writes the call. A writer that fails loses the line: there is nowhere
// to say so.
func (l *Log) Observe(c mockserver.Call) {
	line := l.format.line(l.entry(c))
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(line)
}

// entry is a call in real time.
type entry struct {
	mockserver.Call
	at      time.Time     // when it began
	age     time.Duration // of the server then, by its own clock
	took    time.Duration
	virtual bool // the server's clock is not real time
}

func (l *Log) entry(c mockserver.Call) entry {
	took := c.End.Sub(c.Begin)
	if l.speed != 1 {
		took = time.Duration(float64(took) / l.speed)
	}
	return entry{
		Call:    c,
		at:      l.now().Add(-took),
		age:     max(0, c.Begin.Sub(l.begin)),
		took:    took,
		virtual: l.speed != 1,
	}
}

// longest bounds a text that may come from a client, in characters.
const longest = 200

func clean(text string) string { return terminal.Cut(terminal.Plain(text), longest) }

func codeName(c codes.Code) string {
	if name, ok := code.Code_name[int32(c)]; ok {
		return name
	}
	return c.String()
}

// shortMethod is DesktopImage.CopyFromDesktop for the full name of a method.
func shortMethod(full string) string {
	service, method, ok := strings.Cut(full, "/")
	if !ok {
		return full
	}
	service = service[strings.LastIndexByte(service, '.')+1:]
	return strings.TrimSuffix(service, "Service") + "." + method
}
