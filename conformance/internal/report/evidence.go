package report

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Bounds of what a report holds of messages: a server may send anything.
const (
	// maxBlob is what is kept of one message.
	maxBlob = 16 << 10
	// maxEvidence is what is kept of all of them. What comes after it is cut to
	// leastBlob.
	maxEvidence = 8 << 20
	leastBlob   = 256
	// maxViolations bounds those of one rule.
	maxViolations = 20
	// mostDistinct is how many of them are shown.
	mostDistinct = 3
	// maxLine is how long a text of an event may be, maxFields how many headers it may
	// have.
	maxLine   = 1 << 10
	maxFields = 64
	// maxText is how long what is said of one may be.
	maxText = 8 << 10
)

// witness takes evidence down within the bounds.
type witness struct {
	left     int // bytes of messages
	replayer *replayer
}

var severities = map[rules.Kind]optestv1.Violation_Severity{
	rules.Error: optestv1.Violation_ERROR, rules.Warning: optestv1.Violation_WARNING, rules.Unsure: optestv1.Violation_UNSURE,
}

// worstFirst is the list without more than a report has.
func worstFirst(list []Found) []Found {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Found) int { return cmp.Compare(b.Kind, a.Kind) })
	return list[:min(len(list), maxViolations)]
}

func (w *witness) violation(f Found) *optestv1.Violation {
	v := &optestv1.Violation{Severity: severities[f.Kind], Text: bounded(paragraphs(f.Text), maxText)}
	known := map[trace.ID]bool{}
	for _, e := range f.Evidence {
		short := *e
		cutTexts(&short)
		short.Request, short.Response = w.keep(e.Request, known, v), w.keep(e.Response, known, v)
		if e.Frames != nil && len(e.Frames.Further) > 0 {
			frames := *e.Frames
			frames.Further = nil
			for _, b := range e.Frames.Further {
				frames.Further = append(frames.Further, w.keep(b, known, v))
			}
			short.Frames = &frames
		}
		v.Evidence = append(v.Evidence, short.Proto())
	}
	if f.Note != "" || len(f.Shortest) > 0 {
		v.Reproduction = &optestv1.Reproduction{Note: bounded(paragraphs(f.Note), maxText), Events: uint32(len(f.Shortest))}
	}
	if len(f.Shortest) > 0 {
		v.Reproduction.Commands = w.replayer.commands(f.Shortest)
	}
	return v
}

// cutTexts cuts what a server or a client can make as long as it likes.
func cutTexts(e *trace.Event) {
	e.Method, e.HTTPRequest, e.Operation, e.Note = bounded(e.Method, maxLine), bounded(e.HTTPRequest, maxLine), bounded(e.Operation, maxLine), bounded(e.Note, maxLine)
	e.RequestHeader, e.ResponseHeader, e.Trailer = cutFields(e.RequestHeader), cutFields(e.ResponseHeader), cutFields(e.Trailer)
	if c := e.Caller; c != nil {
		e.Caller = &trace.Caller{
			Connection: bounded(c.Connection, maxLine), Reader: bounded(c.Reader, maxLine), Peer: bounded(c.Peer, maxLine), Session: bounded(c.Session, maxLine),
		}
	}
	if f := e.Failure; f != nil {
		short := *f
		short.Message = bounded(short.Message, maxLine)
		short.Details = short.Details[:min(len(short.Details), maxBlob)]
		e.Failure = &short
	}
}

func cutFields(list trace.Fields) trace.Fields {
	var fields trace.Fields
	for _, f := range list[:min(len(list), maxFields)] {
		fields = append(fields, trace.Field{Name: bounded(f.Name, maxLine), Value: bounded(f.Value, maxLine)})
	}
	return fields
}

// keep adds a blob to those of the violation, as much of it as there is room for,
// and returns what was added.
func (w *witness) keep(b *trace.Blob, known map[trace.ID]bool, v *optestv1.Violation) *trace.Blob {
	if b == nil {
		return nil
	}
	most := maxBlob
	if w.left <= 0 {
		most = leastBlob
	}
	if len(b.Bytes()) > most {
		b = trace.CutBlob(b.Bytes()[:most], b.Length())
	}
	if known[b.ID()] {
		return b
	}
	known[b.ID()] = true
	w.left -= len(b.Bytes())
	m := &optestv1.Blob{Id: b.ID().String()}
	if readable(b.Bytes()) {
		m.Content = &optestv1.Blob_Text{Text: string(b.Bytes())}
	} else {
		m.Content = &optestv1.Blob_Data{Data: b.Bytes()}
	}
	if b.Cut() {
		m.Length = uint64(b.Length())
	}
	v.Blobs = append(v.Blobs, m)
	return b
}

// readable reports whether bytes are text that a person can read in JSON.
func readable(data []byte) bool {
	for _, c := range data {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return len(data) > 0 && utf8.Valid(data)
}

// events are those of a violation's evidence, as far as they make sense: a report
// may come from a file.
func events(v *optestv1.Violation) []*trace.Event {
	blobs := make(map[trace.ID]*trace.Blob, len(v.GetBlobs()))
	for _, m := range v.GetBlobs() {
		data := m.GetData()
		if text, ok := m.GetContent().(*optestv1.Blob_Text); ok {
			data = []byte(text.Text)
		}
		b := trace.CutBlob(data, int(min(m.GetLength(), 1<<40)))
		blobs[b.ID()] = b
	}
	var list []*trace.Event
	for _, m := range v.GetEvidence() {
		if e, err := trace.EventOf(m, func(id trace.ID) *trace.Blob { return blobs[id] }); err == nil {
			list = append(list, e)
		}
	}
	return list
}

// total is how often a rule is broken, or may be.
func total(r *optestv1.RuleResult) uint64 {
	return max(r.GetErrors()+r.GetWarnings(), uint64(len(r.GetViolations())))
}
