package rules

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

// readsDone reports whether the call has read an operation that is done.
func readsDone(s *Seen) bool {
	return s.Is(MethodGet) && s.Answer != nil && s.Answer.GetDone() && spoken(s)
}

// readings are what was read of a done operation, the latest of each dialect.
type readings struct{ list []reading }

// reading is an answer of one dialect.
type reading struct {
	dialect     string
	first, last *Seen
	answers     []*Answer // that are known to be equal to it
	told        bool      // that it differs from another
}

// maxReadings bounds those of an operation, maxEqual the answers that are known to
// be equal, maxRead the operations; the oldest are forgotten.
const (
	maxReadings = 16
	maxEqual    = 4
	maxRead     = 4096
)

// is reports whether the answer is the one that was read.
func (r *reading) is(s *Seen) bool {
	if r.dialect != dialect(s) {
		return false
	}
	if slices.Contains(r.answers, s.Answer) {
		return true
	}
	if difference(r.first.Answer.ProtoReflect(), s.Answer.ProtoReflect(), everything) != "" {
		return false
	}
	if len(r.answers) < maxEqual {
		r.answers = append(r.answers, s.Answer)
	}
	return true
}

// judgeSameAnswer compares what protocols say of done operations.
func judgeSameAnswer(env *Env) Machine {
	read := map[string]*readings{}
	var order []string
	var waiting held
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			if !readsDone(s) || s.Op == nil {
				return
			}
			r := read[s.Op.ID]
			if r == nil {
				if len(order) == maxRead {
					delete(read, order[0])
					order = slices.Delete(order, 0, 1)
				}
				r = &readings{}
				read[s.Op.ID], order = r, append(order, s.Op.ID)
			}
			r.take(env, s, &waiting, sink)
		},
		End: waiting.end,
	}
}

// take compares an answer with those of other dialects and remembers it.
func (r *readings) take(env *Env, s *Seen, waiting *held, sink *Sink) {
	own := -1
	for i := range r.list {
		if r.list[i].is(s) {
			own = i
			break
		}
	}
	if own >= 0 {
		// Between two equal answers, the other can't have changed.
		for i := range r.list {
			if x := &r.list[i]; x.dialect != dialect(s) && !x.told && between(env, r.list[own].first, x.first, s) {
				x.told = tell(s, x.first, everything, sink)
			}
		}
		r.list[own].last = s
		return
	}
	for _, x := range r.list {
		if x.dialect == dialect(s) {
			continue
		}
		sink.Exercise(s.Op.ID + " " + x.dialect + " " + dialect(s))
		other, op := x.last, s.Op
		if tell(other, s, lasting, sink) || !env.World || env.Eventual() || difference(other.Answer.ProtoReflect(), s.Answer.ProtoReflect(), unwritten) == "" {
			continue
		}
		// Whether something was changed in between, later events may tell.
		waiting.hold(s, func(sink *Sink) {
			if !slices.ContainsFunc(op.Changes, func(c *Seen) bool { return c.Called < s.Returned || c.Called < other.Returned }) &&
				op.changedBy(s, MethodUpdate, MethodDelete) == nil && op.changedBy(other, MethodUpdate, MethodDelete) == nil {
				tell(other, s, unwritten, sink)
			}
		})
	}
	if len(r.list) == maxReadings {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, reading{dialect: dialect(s), first: s, last: s, answers: []*Answer{s.Answer}})
}

// between reports whether b was read after a and before c, and all of them late
// enough for none to be stale.
func between(env *Env, a, b, c *Seen) bool {
	settled := true
	if env.Eventual() {
		settled = a.Op.Done != nil && a.Called-a.Op.Done.Returned >= env.Window
	}
	return settled && a.Returned < b.Called && b.Returned < c.Called
}

// tell reports what is compared and differs, if anything.
func tell(a, b *Seen, compared func(path string) bool, sink *Sink) bool {
	path := difference(a.Answer.ProtoReflect(), b.Answer.ProtoReflect(), compared)
	if path == "" {
		return false
	}
	sink.Breach(by(a, b), "%s over %s and %s over %s: the operation is done, and the two differ in %s; both are translations of one answer, which has that field once", a.When(), dialect(a), b.When(), dialect(b), path)
	return true
}

// What is compared, by the path of a field.

func everything(string) bool { return true }

// lasting is what never changes once an operation is done, whoever writes to its
// image.
func lasting(path string) bool {
	switch head, rest, _ := strings.Cut(path, "."); head {
	case "description", "modified_at":
		return false
	case "error":
		return rest == "" || rest == "code"
	case "response":
		return slices.Contains([]string{"", "id", "folder_id", "created_at", "storage_size", "min_disk_size"}, rest)
	}
	return true
}

// unwritten is what does not change while nobody writes: the status and the texts
// of errors are up to the server.
func unwritten(path string) bool {
	switch path {
	case "modified_at", "response.status", "error.message", "error.details":
		return false
	}
	return true
}

// difference is the path of the first field that is compared and that two messages
// do not have in common, empty without one. What the descriptors do not know is not
// compared: one of two encodings may have lost it.
func difference(a, b protoreflect.Message, compared func(path string) bool) string {
	const deepest = 32
	return differs(a, b, "", deepest, compared)
}

func differs(a, b protoreflect.Message, path string, depth int, compared func(string) bool) string {
	if depth == 0 || a.Descriptor() != b.Descriptor() {
		return ""
	}
	if x, ok := a.Interface().(*anypb.Any); ok {
		y := b.Interface().(*anypb.Any)
		if x.GetTypeUrl() != y.GetTypeUrl() {
			return path
		}
		one, err := x.UnmarshalNew()
		other, err2 := y.UnmarshalNew()
		if err != nil || err2 != nil {
			return ""
		}
		return differs(one.ProtoReflect(), other.ProtoReflect(), path, depth-1, compared)
	}
	fields := a.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		at := string(f.Name())
		if path != "" {
			at = path + "." + at
		}
		if !compared(at) || !a.Has(f) && !b.Has(f) {
			continue
		}
		if d := fieldDiffers(f, a, b, at, depth, compared); d != "" {
			return d
		}
	}
	return ""
}

func fieldDiffers(f protoreflect.FieldDescriptor, a, b protoreflect.Message, at string, depth int, compared func(string) bool) string {
	x, y := a.Get(f), b.Get(f)
	switch {
	case f.IsMap():
		if x.Map().Len() != y.Map().Len() {
			return at
		}
		different := false
		x.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			different = !y.Map().Has(k) || valueDiffers(f.MapValue(), v, y.Map().Get(k), at, depth, compared) != ""
			return !different
		})
		if different {
			return at
		}
	case f.IsList():
		if x.List().Len() != y.List().Len() {
			return at
		}
		for i := range x.List().Len() {
			if d := valueDiffers(f, x.List().Get(i), y.List().Get(i), at, depth, compared); d != "" {
				return d
			}
		}
	case f.HasPresence() && a.Has(f) != b.Has(f):
		return at
	default:
		return valueDiffers(f, x, y, at, depth, compared)
	}
	return ""
}

func valueDiffers(f protoreflect.FieldDescriptor, x, y protoreflect.Value, at string, depth int, compared func(string) bool) string {
	switch {
	case f.Message() != nil:
		return differs(x.Message(), y.Message(), at, depth-1, compared)
	case f.Enum() != nil && (f.Enum().Values().ByNumber(x.Enum()) == nil || f.Enum().Values().ByNumber(y.Enum()) == nil):
		return "" // a value of a newer server, whose name JSON can't be read by
	case !x.Equal(y):
		return at
	}
	return ""
}
