package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Verify holds a recorded trace against the rules. Options apply as to
// [NewVerifier].
func Verify(tr *trace.Trace, opts ...Option) (*Report, error) {
	v, err := NewVerifier(tr.Header, opts...)
	if err != nil {
		return nil, err
	}
	v.keep, v.driver = len(tr.Events), optestv1.ConformanceReport_TRACE
	v.miss(tr.Gaps)
	sorted := slices.Clone(tr.Events)
	slices.SortStableFunc(sorted, func(a, b *trace.Event) int { return cmp.Compare(a.Returned, b.Returned) })
	for _, e := range sorted {
		v.Observe(e)
	}
	return v.Report(), nil
}

// miss tells the rules what the trace does not show.
func (v *Verifier) miss(gaps []*optestv1.Gap) {
	for _, g := range gaps {
		switch g.GetKind() {
		case optestv1.Gap_UNTIMED:
			v.env.Untimed = append(v.env.Untimed, rules.Span{From: g.GetFrom().AsDuration(), Until: g.GetUntil().AsDuration()})
		case optestv1.Gap_LOST:
			v.env.World = false // there are calls that nobody knows of
		}
	}
}

// VerifyFiles holds recorded traces and binary logs of gRPC against the rules. It
// returns a report for each observer that the files are of: those that are parts
// of one trace are judged as one. A file that is alone is read as it is judged, so
// that its length does not matter.
//
// A file that ends in the middle is judged up to there, and the report says so.
// Another error comes with the reports of the files before.
func VerifyFiles(paths []string, opts ...Option) ([]*Report, error) {
	groups, err := grouped(paths)
	if err != nil {
		return nil, err
	}
	var reports []*Report
	for _, g := range groups {
		if len(g.paths) == 1 && !g.log {
			r, err := verifyFile(g.paths[0], opts)
			if err != nil {
				return reports, err
			}
			reports = append(reports, r)
			continue
		}
		several, err := verifyLoaded(g.paths, opts)
		reports = append(reports, several...)
		if err != nil {
			return reports, err
		}
	}
	return reports, nil
}

// group are files of one observer.
type group struct {
	key   string
	paths []string
	log   bool
}

// grouped are the files by observer, in the order in which they come first.
func grouped(paths []string) ([]*group, error) {
	var groups []*group
	for _, path := range paths {
		key, log, err := observerOf(path)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(groups, func(g *group) bool { return g.key == key })
		if at < 0 || log {
			groups = append(groups, &group{key, []string{path}, log})
			continue
		}
		groups[at].paths = append(groups[at].paths, path)
	}
	return groups, nil
}

// observerOf tells whose trace a file is, or that it is a binary log.
func observerOf(path string) (key string, log bool, err error) {
	if log, err = isBinaryLog(path); log || err != nil {
		return path, log, err
	}
	r, err := trace.Open(path)
	if err != nil {
		return "", false, err
	}
	h := r.Header()
	key = fmt.Sprint(h.GetObserver(), "\x00", h.GetName(), "\x00", h.GetStart().AsTime().UnixNano())
	return key, false, r.Close()
}

// isBinaryLog reports whether a file begins as a log of gRPC does: with the upper
// byte of a length below 2^25.
func isBinaryLog(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, &trace.Error{File: path, Message: "can't be read: " + cause(err).Error(), Err: err}
	}
	first := make([]byte, 1)
	n, err := f.Read(first)
	if closed := f.Close(); closed != nil {
		return false, closed
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, &trace.Error{File: path, Message: "can't be read: " + cause(err).Error(), Err: err}
	}
	return n == 1 && first[0] <= 1, nil
}

// cause is an error without the path that stands before it.
func cause(err error) error {
	if inPath := (*os.PathError)(nil); errors.As(err, &inPath) {
		return inPath.Err
	}
	return err
}

// verifyLoaded reads files into memory.
func verifyLoaded(paths []string, opts []Option) ([]*Report, error) {
	var traces []*trace.Trace
	var cut error
	for _, path := range paths {
		list, err := trace.Load(path, trace.NewRedactor())
		traces = append(traces, list...)
		if errors.Is(err, trace.ErrTruncated) {
			cut, err = err, nil
		}
		if err != nil {
			return nil, err
		}
	}
	merged, err := trace.Merge(traces...)
	if err != nil {
		return nil, err
	}
	var reports []*Report
	for _, tr := range merged {
		r, err := Verify(tr, opts...)
		if err != nil {
			return reports, err
		}
		r.cut(cut)
		reports = append(reports, r)
	}
	return reports, nil
}

// String tells what is wrong, by what sentence, and how it shows.
func (r *RuleResult) String() string { return r.story() }

// cut limits what is said of a trace that is not whole.
func (r *Report) cut(err error) {
	if err != nil {
		r.limit(err.Error(), false)
	}
}

// maxKept is how many events of a file are kept until its end, for findings to be
// shown in short. Of a longer file, findings come with their evidence alone.
const maxKept = 100_000

// verifyFile reads a trace while it is judged. What the file says at its end of
// what it does not show is known only then, and the file is read again.
func verifyFile(path string, opts []Option) (*Report, error) {
	r, gaps, late, err := readOnce(path, nil, opts)
	if err != nil {
		return nil, err
	}
	if late {
		reports, err := verifyLoaded([]string{path}, opts)
		if err != nil {
			return nil, err
		}
		return reports[0], nil // a file is of one observer
	}
	if len(gaps) > 0 {
		r, _, _, err = readOnce(path, gaps, opts)
	}
	return r, err
}

// readOnce judges a file once, knowing of gaps before. Late says that events are in
// another order than one that can be mended on the way.
func readOnce(path string, known []*optestv1.Gap, opts []Option) (report *Report, gaps []*optestv1.Gap, late bool, err error) {
	file, err := trace.Open(path)
	if err != nil {
		return nil, nil, false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	v, err := NewVerifier(file.Header(), opts...)
	if err != nil {
		return nil, nil, false, fmt.Errorf("%s: %s", path, plain(err))
	}
	v.keep, v.driver = maxKept, optestv1.ConformanceReport_TRACE
	v.miss(known)
	sorters := map[string]*sorter{}
	hand := func(e *trace.Event) { v.Observe(e) }
	var cut error
	for e, err := range file.Events() {
		if errors.Is(err, trace.ErrTruncated) {
			cut = err
			break
		}
		if err != nil {
			return nil, nil, false, err
		}
		s := sorters[e.Session()]
		if s == nil {
			if len(sorters) == maxWorlds {
				v.Observe(e) // counts it as one that is not looked at
				continue
			}
			s = new(sorter)
			sorters[e.Session()] = s
		}
		if s.add(e, hand); s.late {
			return nil, nil, true, nil
		}
	}
	for _, s := range sorters {
		s.rest(hand)
	}
	report = v.Report()
	report.cut(cut)
	return report, file.Gaps(), false, nil
}
