// Package constraint validates a message against the options that its
// descriptors document: yandex.cloud.{required, pattern, value, size, length,
// bytes, unique, map_key} on fields and yandex.cloud.exactly_one on oneofs.
//
// # Forms
//
// These are the forms of range that go-genproto v0.60.0 and v0.137.0 hold, and
// all that this package reads. testdata/forms.tsv lists every text in use.
//
//	20                  exactly 20           length, size
//	1-63                from 1 to 63         length, size, value
//	-1-100              from -1 to 100       value
//	<=50  <128          at most, less than   length, size, value, bytes
//	>=14  >0            at least, more than  length, size, value
//	0,3  1,2,3,4        one of               length, value
//	0.1-0.8             floating point       value of double, DoubleValue
//	10s-1m  <=12h       time.ParseDuration   value of Duration
//	19700101T000000.000000000-21051231T235959.999999999
//	                    UTC, inclusive       value of Timestamp
//
// A list may also hold ranges and comparisons, and is then their union. The
// value option is read on integers, floating-point numbers, Duration, Timestamp
// and the wrappers of numbers; nothing documents a meaning for it elsewhere, so
// Compile refuses it there.
//
// A pattern is RE2 syntax and covers the whole text, all its alternatives
// included: the API writes `|[a-z][-a-z0-9]*` for "empty or a name", which would
// allow anything if a part were enough. `x{,19}`, which RE2 takes literally, is
// read as `x{0,19}`: device names in compute are documented so.
//
// # Meaning
//
// Length counts Unicode code points of a string and bytes of a bytes field; the
// bytes option counts the bytes of a string and the encoded size of a message.
// On a list or map, length, bytes, value and pattern apply to each element or
// map value, and map_key to each key. Size counts entries.
//
// A field that is absent breaks nothing but required. A scalar without presence
// is absent when it is zero: an empty string that is not required breaks
// neither `1-63` nor a pattern. Elements, map keys and map values are always
// present, empty or not, and so are the chosen member of a oneof and a wrapper
// that is set.
//
//   - required: a zero scalar, an empty list or map, an unset message or an
//     unset optional field breaks it. On a member of a oneof it binds only while
//     that member is chosen, for the API marks several members of one oneof so;
//     where every member is marked, one must be chosen.
//   - size: an empty list or map is counted, or `>0` without required would mean
//     nothing.
//   - unique: no two equal entries in a list, messages compared in full.
//
// In an update, a field or oneof that update_mask governs and does not name may
// be absent whatever its options, as the call leaves it alone. The mask governs
// the fields with a higher number than its own.
//
// Messages that are set are checked in turn. What google.protobuf.Any holds,
// unknown fields and extensions are not.
package constraint

import (
	"sync"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Check returns the violations of the documented options in m, or nil. They
// stand in the order of the fields in the descriptor, depth first; a list by
// index, a map by key. Paths use proto names: `spec.disks[3].name`,
// `labels["A"]`. No text of a field is echoed, as it may be a password; a map
// key is, shortened, because nothing else names the entry.
//
// At most 32 violations and about 4 KiB are returned, since they travel as a
// header, where 8 KiB is the limit of common clients. If there were more, one
// last violation without a field says how many. A message nested deeper than
// 100 levels is itself a violation and is not looked into.
//
// Options that cannot be read are left out: Compile reports them. Check is safe
// for concurrent use as long as nobody changes m.
func Check(m proto.Message) []*errdetails.BadRequest_FieldViolation {
	if m == nil {
		return nil
	}
	root := m.ProtoReflect()
	p := programOf(root.Descriptor())
	if !p.active {
		return nil
	}
	// A valid message, the common case, is settled without paths, texts or the
	// sorting of map keys.
	probe := probes.Get().(*walker)
	probe.message(p, root)
	failed := probe.failed
	*probe = walker{path: probe.path[:0]}
	probes.Put(probe)
	if !failed {
		return nil
	}
	found := report{}
	collect := walker{report: &found}
	collect.message(p, root)
	return found.violations()
}

// probes are walkers without a report, used again because every request takes
// one.
var probes = sync.Pool{New: func() any { return new(walker) }}

// Compile reads the options of md and of every message reachable from it, and
// returns an error that joins all options that cannot be read, or nil. The
// result is kept, so that the first Check is as fast as the next. It is safe for
// concurrent use.
func Compile(md protoreflect.MessageDescriptor) error {
	return programOf(md).errors()
}
