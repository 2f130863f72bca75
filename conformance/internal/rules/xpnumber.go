package rules

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// judgeJSONResult looks for operations in JSON with both results.
func judgeJSONResult(*Env) Machine {
	var before lately
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !inJSON(s) || s.Method.Desc.Output().FullName() != operationDesc.FullName() || before.has(s) {
			return
		}
		n, err := parseJSON(s.RawJSON())
		if err != nil {
			return // another rule's
		}
		_, failed := n.get("error")
		_, succeeded := n.get("response")
		if !failed && !succeeded {
			return
		}
		key, _ := n.get("id")
		sink.Exercise(key.text)
		if failed && succeeded {
			sink.Breach(by(s), "%s: the operation has both error and response; only one of them is the result, and a parser refuses the whole answer", s.When())
		}
	}}
}

// beyond is the first number that a double does not tell from its neighbours.
const beyond = 1 << 53

// sized are reads of a done operation with an image: the first in binary, and the
// first in JSON of each that say something different.
type sized struct {
	binary *Seen
	json   []*Seen
	told   bool
}

// maxSized bounds the operations, of which the oldest are forgotten, and maxSizes
// what is kept of each.
const (
	maxSized = 4096
	maxSizes = 8
)

// judgeDigits compares large numbers in binary and in JSON.
func judgeDigits(*Env) Machine {
	known := map[string]*sized{}
	var order []string
	var before lately
	return Machine{Call: func(s *Seen, sink *Sink) {
		if inJSON(s) && !before.has(s) {
			judgeBareNumbers(s, sink)
		}
		if !readsDone(s) || s.Op == nil || s.Answer.Image == nil {
			return
		}
		r := known[s.Op.ID]
		if r == nil {
			if len(order) == maxSized {
				delete(known, order[0])
				order = slices.Delete(order, 0, 1)
			}
			r = &sized{}
			known[s.Op.ID], order = r, append(order, s.Op.ID)
		}
		r.take(s, sink)
	}}
}

// longNumber is in everything that holds a large number.
var longNumber = regexp.MustCompile(`["\[:, ]-?(\d{16}|\d+(\.\d+)?[eE])`)

// judgeBareNumbers looks for numbers of JSON that most readers round.
func judgeBareNumbers(s *Seen, sink *Sink) {
	if !longNumber.Match(s.RawJSON()) {
		return
	}
	n, err := parseJSON(s.RawJSON())
	if err != nil {
		return
	}
	jsonWalk{field: func(f protoreflect.FieldDescriptor, path string, n node) {
		if !wide(f) || f.IsList() || !large(n.text) {
			return
		}
		sink.Exercise(string(f.FullName()))
		if n.kind == '0' || !decimal.MatchString(n.text) {
			sink.Breach(by(s), "%s: %s is %s; a reader that holds numbers of JSON as doubles, as most do, gets another one, and only digits in a text keep it", s.When(), place(path), n)
		}
	}}.message(s.Method.Desc.Output(), "", n)
}

// large reports whether a number is beyond what a double holds for sure.
func large(text string) bool {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n >= beyond || n <= -beyond
	}
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && (f >= beyond || f <= -beyond)
}

func (r *sized) take(s *Seen, sink *Sink) {
	if s.ResponseCodec == optestv1.Event_JSON {
		if len(r.json) < maxSizes && !slices.ContainsFunc(r.json, func(o *Seen) bool { return o.Answer == s.Answer || sameSizes(o, s) }) {
			r.json = append(r.json, s)
		}
		if r.binary != nil {
			r.compare(r.binary, s, sink)
		}
		return
	}
	if r.binary == nil {
		r.binary = s
	}
	for _, j := range r.json {
		r.compare(s, j, sink)
	}
}

func sameSizes(a, b *Seen) bool {
	x, y := a.Answer.Image.ProtoReflect(), b.Answer.Image.ProtoReflect()
	for _, f := range sizeFields {
		if !x.Get(f).Equal(y.Get(f)) {
			return false
		}
	}
	return true
}

// sizeFields are the fields of an image with 64 bits.
var sizeFields = func() (list []protoreflect.FieldDescriptor) {
	fields := (&clouddesktop.DesktopImage{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); wide(f) && !f.IsList() {
			list = append(list, f)
		}
	}
	return list
}()

// compare holds a read in JSON against one in binary.
func (r *sized) compare(binary, json *Seen, sink *Sink) {
	for _, f := range sizeFields {
		exact, got := binary.Answer.Image.ProtoReflect().Get(f), json.Answer.Image.ProtoReflect().Get(f)
		if !large(exact.String()) {
			continue
		}
		sink.Exercise(binary.Op.ID + " " + string(f.Name()))
		if !exact.Equal(got) && !r.told {
			r.told = true
			sink.Breach(by(binary, json), "%s over %s says that %s is %s, and %s over %s says %s; the operation is done, and digits are lost where JSON is made by way of a double", binary.When(), dialect(binary), f.Name(), exact, json.When(), dialect(json), got)
		}
	}
}

var sizeMember = regexp.MustCompile(`("storageSize": *)"\d+"`)

// roundedDigits has a size in JSON be a bare number, or lose its last digit where
// the operation was read in binary too.
var roundedDigits = either(
	rewrite(
		func(s *Seen) bool { return inJSON(s) && sizeMember.Match(s.RawJSON()) },
		func(_ *Seen, raw []byte) []byte { return sizeMember.ReplaceAll(raw, []byte("${1}9007199254740993")) },
	),
	func(t *Tape, draw *rand.Rand) (string, bool) {
		exact := map[string]bool{}
		sizes := func(s *Seen) bool { return readsDone(s) && s.Answer.Image.GetStorageSize() > beyond }
		for _, i := range t.Where(func(s *Seen) bool { return sizes(s) && s.ResponseCodec == optestv1.Event_PROTO }) {
			exact[operationOf(t.At(i))] = true
		}
		return rewrite(
			func(s *Seen) bool {
				return sizes(s) && inJSON(s) && exact[operationOf(s)] && sizeMember.Match(s.RawJSON())
			},
			func(_ *Seen, raw []byte) []byte {
				return sizeMember.ReplaceAll(raw, []byte(`${1}"9007199254740992"`))
			},
		)(t, draw)
	},
)
