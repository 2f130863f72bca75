package mockserver

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/mockserver/internal/constraint"
	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// blindnesses change a request into the one that a server believes to see which
// counts or compares wrongly. What is refused or accepted is then that.
var blindnesses = []struct {
	kind optestv1.QuirkFault_Kind
	see  func(protoreflect.Message)
}{
	{optestv1.QuirkFault_REQUIRED_IGNORED, fillRequired},
	{optestv1.QuirkFault_LENGTH_IN_BYTES, recount(func(s string) int { return len(s) })},
	{optestv1.QuirkFault_LENGTH_IN_UTF16, recount(func(s string) int { return len(utf16.Encode([]rune(s))) })},
	{optestv1.QuirkFault_LENGTH_ONE_LESS, recount(func(s string) int { return utf8.RuneCountInString(s) + 1 })},
	{optestv1.QuirkFault_LENGTH_IGNORED, recount(func(string) int { return 1 })},
	{optestv1.QuirkFault_DESCRIPTION_UNLIMITED, func(m protoreflect.Message) { setText(m, "description", "") }},
	{optestv1.QuirkFault_PATTERN_UNANCHORED, matchAnywhere},
	{optestv1.QuirkFault_SIZE_ONE_MORE, dropOne},
}

// check holds the request against the documented constraints, as well as quirks
// let it.
func (c *call) check(m *method, req proto.Message) []*errdetails.BadRequest_FieldViolation {
	right := constraint.Check(req)
	if !c.quirky(c.guess) {
		return right
	}
	seen := proto.Clone(req)
	var shown []*quirk
	for _, b := range blindnesses {
		if q := c.has(b.kind, c.guess); q != nil {
			shown = append(shown, q)
			b.see(seen.ProtoReflect())
		}
	}
	found := constraint.Check(seen)
	if f := fieldNamed(req, "name"); m.creates && f != nil && !req.ProtoReflect().Has(f) {
		if q := c.has(optestv1.QuirkFault_NAME_REQUIRED, c.guess); q != nil {
			shown = append(shown, q)
			found = append(found, &errdetails.BadRequest_FieldViolation{Field: "name", Description: "required, got an empty string"})
		}
	}
	if len(req.ProtoReflect().GetUnknown()) > 0 {
		if q := c.has(optestv1.QuirkFault_UNKNOWN_FIELDS_REFUSED, c.guess); q != nil {
			shown = append(shown, q)
			found = append(found, &errdetails.BadRequest_FieldViolation{Field: "request", Description: "has fields that the server does not know"})
		}
	}
	if len(found) != len(right) {
		c.note(shown...)
	}
	return found
}

// refuse answers a request that breaks constraints.
func (s *Server) refuse(ctx context.Context, c *call, m *method, h handler, req proto.Message, refusal *connect.Error) (proto.Message, error) {
	switch {
	case !m.starts:
	case c.quirk(optestv1.QuirkFault_REFUSED_BY_OPERATION, c.guess):
		c.doom = &status.Status{Code: int32(refusal.Code()), Message: refusal.Message()}
		return h(ctx, c, req)
	case c.quirk(optestv1.QuirkFault_REFUSED_BUT_CREATED, c.guess):
		// That it may fail, too, is of no matter.
		_, _ = h(ctx, c, req)
		c.spoilt = nil
	default:
		s.burn(c, m, refusal)
	}
	return nil, refusal
}

// misreport changes an error as quirks ask for.
func (c *call) misreport(err error) error {
	var e *connect.Error
	if !c.quirky(c.guess) || !errors.As(err, &e) || e.Code() != connect.CodeInvalidArgument {
		return err
	}
	if c.record.Protocol == rest.ProtocolName && c.quirk(optestv1.QuirkFault_INVALID_IS_INTERNAL, c.guess) {
		return connect.NewError(connect.CodeInternal, e.Message())
	}
	if c.quirk(optestv1.QuirkFault_WITHOUT_DETAILS, c.guess) {
		return connect.NewError(e.Code(), e.Message())
	}
	if c.quirk(optestv1.QuirkFault_WRONG_FIELD_NAMED, c.guess) {
		return failed(e.Code(), e.Message(), &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "request", Description: "is invalid"},
		}})
	}
	return err
}

// fieldNamed is a field of the message, or nil.
func fieldNamed(m proto.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	return m.ProtoReflect().Descriptor().Fields().ByName(name)
}

// setText sets a field of text, if the message has one of that name.
func setText(m protoreflect.Message, name protoreflect.Name, text string) {
	if f := m.Descriptor().Fields().ByName(name); f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() {
		m.Set(f, protoreflect.ValueOfString(text))
	}
}

func fillRequired(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); required(f) && !m.Has(f) {
			setText(m, f.Name(), "x")
		}
	}
}

// recount gives each text the length that it is counted to have, but for a
// description: that has a limit of its own.
func recount(count func(string) int) func(protoreflect.Message) {
	return func(m protoreflect.Message) {
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if f.Kind() == protoreflect.StringKind && !f.IsList() && !f.IsMap() && f.Name() != "description" {
				m.Set(f, protoreflect.ValueOfString(strings.Repeat("x", count(v.String()))))
			}
			return true
		})
	}
}

// matchAnywhere puts in the place of each text in a map that its pattern matches
// somewhere one that it matches altogether, of the same length.
func matchAnywhere(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if !f.IsMap() || f.MapKey().Kind() != protoreflect.StringKind || f.MapValue().Kind() != protoreflect.StringKind {
			return true
		}
		options := f.Options()
		value, _ := proto.GetExtension(options, cloud.E_Pattern).(string)
		rule, _ := proto.GetExtension(options, cloud.E_MapKey).(*cloud.MapKeySpec)
		m.Set(f, protoreflect.ValueOfMap(lenient(v.Map(), m.NewField(f).Map(), rule.GetPattern(), value)))
		return true
	})
}

func lenient(from, to protoreflect.Map, key, value string) protoreflect.Map {
	accept := func(text, pattern, serial string) string {
		if ok, err := regexp.MatchString(pattern, text); err != nil || !ok || pattern == "" {
			return text
		}
		n := utf8.RuneCountInString(text)
		return (serial + strings.Repeat("x", n))[:n]
	}
	n := 0
	from.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		n++ // keys must stay apart
		text := accept(k.String(), key, strings.Repeat(string(rune('a'+n%26)), 1+n/26))
		to.Set(protoreflect.ValueOfString(text).MapKey(), protoreflect.ValueOfString(accept(v.String(), value, "")))
		return true
	})
	return to
}

// dropOne overlooks an entry of each map that has one too many.
func dropOne(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		size, _ := proto.GetExtension(f.Options(), cloud.E_Size).(string)
		if !f.IsMap() || size != fmt.Sprintf("<=%d", v.Map().Len()-1) {
			return true
		}
		v.Map().Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
			v.Map().Clear(k)
			return false
		})
		return true
	})
}
