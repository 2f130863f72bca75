package mockserver

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// disguise is what faults do to an Operation on its way out. The operation that
// is kept stays as it is.
type disguise struct {
	answers []*optestv1.AnswerFault
	clocks  []*optestv1.ClockFault
	shapes  []optestv1.JsonFault_Shape
}

func (d disguise) none() bool { return len(d.answers)+len(d.clocks)+len(d.shapes) == 0 }

// asOf is the age that the operation is answered at, if not its own.
func (d disguise) asOf() (time.Duration, bool) {
	for _, f := range d.answers {
		if f.GetAsOf() != nil {
			return f.GetAsOf().AsDuration(), true
		}
	}
	return 0, false
}

// failed is how an error goes out. Only REST has another shape for it.
func (d disguise) failed(err error) error {
	shape := rest.Misshapen{Err: err, Text: slices.Contains(d.shapes, optestv1.JsonFault_TEXT_PLAIN)}
	if slices.Contains(d.shapes, optestv1.JsonFault_ERROR_WITH_200) {
		shape.Status = http.StatusOK
	}
	if !shape.Text && shape.Status == 0 {
		return err
	}
	return &shape
}

// apply changes m and returns what goes out instead of it, nil for m itself.
// Earlier is the answer about the operation created before, nil without one.
func (d disguise) apply(m, earlier *operation.Operation, now time.Time) (*spoilt, error) {
	var appended []byte
	for _, f := range d.answers {
		if len(f.GetReplaceRaw()) > 0 {
			return &spoilt{binary: f.GetReplaceRaw(), json: f.GetReplaceRaw()}, nil
		}
		if err := edit(m, earlier, f); err != nil {
			return nil, fmt.Errorf("answer fault: %w", err)
		}
		appended = append(appended, f.GetAppendRaw()...)
	}
	for _, f := range d.clocks {
		misdate(m, f, now)
	}
	binary, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("answer fault: %w", err)
	}
	return &spoilt{binary: append(binary, appended...), json: misshapen(m, appended, d.shapes)}, nil
}

func edit(m, earlier *operation.Operation, f *optestv1.AnswerFault) error {
	if earlier != nil {
		for _, name := range f.GetCopy() {
			field := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name))
			if field == nil {
				return fmt.Errorf("an Operation has no field %q", name)
			}
			if earlier.ProtoReflect().Has(field) {
				m.ProtoReflect().Set(field, earlier.ProtoReflect().Get(field))
			} else {
				m.ProtoReflect().Clear(field)
			}
		}
	}
	set := f.GetSet().GetFields()
	for _, path := range slices.Sorted(maps.Keys(set)) {
		if err := setPath(m.ProtoReflect(), path, set[path]); err != nil {
			return err
		}
	}
	for _, path := range f.GetClear() {
		if err := clearPath(m.ProtoReflect(), path); err != nil {
			return err
		}
	}
	return nil
}

// misdate spoils the stamps of the Operation itself.
func misdate(m *operation.Operation, f *optestv1.ClockFault, now time.Time) {
	created := m.GetCreatedAt().AsTime()
	stamps := []*timestamppb.Timestamp{m.GetCreatedAt(), m.GetModifiedAt()}
	if f.GetOnly() != optestv1.ClockFault_STAMP_UNSPECIFIED {
		stamps = stamps[f.GetOnly()-1:][:1]
	}
	for _, t := range stamps {
		if t == nil {
			continue
		}
		switch f.GetFrom() {
		case optestv1.ClockFault_CREATION:
			stamp(t, created.UnixNano())
		case optestv1.ClockFault_NOW:
			stamp(t, now.UnixNano())
		}
		if f.GetSkew() != nil {
			skewed := timestamppb.New(t.AsTime().Add(f.GetSkew().AsDuration()))
			t.Seconds, t.Nanos = skewed.GetSeconds(), skewed.GetNanos()
		}
		if f.GetMillisAsSeconds() {
			t.Seconds, t.Nanos = t.AsTime().UnixMilli(), 0
		}
		if f.Nanos != nil {
			t.Nanos = f.GetNanos()
		}
	}
}
