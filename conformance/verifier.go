package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Verifier holds events against the rules as they come in, in memory that does
// not grow with them. It is for one goroutine at a time.
//
// Events of different sessions of a mock server are of different worlds and are
// held against the rules apart.
type Verifier struct {
	config *config
	env    *rules.Env
	chosen []*rules.Rule

	worlds   map[string]*watched // by session
	order    []string            // of sessions
	ignored  int                 // events of sessions beyond the bound
	first    time.Duration
	last     time.Duration
	events   int
	creates  int
	protocol map[Protocol]bool
	kept     []*trace.Event // all, nil if there are too many
	keep     int            // how many at most
	driver   optestv1.ConformanceReport_Driver
	report   *Report
}

// watched is a world and what watches it.
type watched struct {
	checker *rules.Checker
	watch   *rules.Watch
}

// maxWorlds bounds the sessions that are held apart.
const maxWorlds = 1024

// Found is a finding together with the rule that it is of.
type Found struct {
	// ID is such as LRO-01.
	ID, Title string
	// Practice: the rule is about what good services do, not about what is documented.
	Practice bool
	// Quote is the sentence, Source where it stands.
	Quote, Source string
	Finding
}

// NewVerifier makes one for what an observer sees, as the header says: rules that
// need more are NOT APPLICABLE. Of the options, those apply that say what is known
// of the server: [Strong], [Eventual], [Contract], [Rules], [About] and
// [OwnFolder].
//
// The profile is the one in the header, if there is one. Otherwise a trace from
// within a server is expected to be strong, and any other eventual, with a window
// of 5 s.
func NewVerifier(header *optestv1.TraceHeader, opts ...Option) (*Verifier, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	window, err := c.windowOf(header)
	if err != nil {
		return nil, err
	}
	v := &Verifier{
		config: c, chosen: c.chosen(c.patterns), worlds: map[string]*watched{}, protocol: map[Protocol]bool{},
		driver: optestv1.ConformanceReport_HOOK,
	}
	if header.GetObserver() == optestv1.TraceHeader_PROXY {
		v.driver = optestv1.ConformanceReport_PROXY
	}
	v.env = &rules.Env{
		Header: header, Window: window, Contract: levels[c.contract],
		World:    c.ownFolder || trace.Sees(header, optestv1.TraceHeader_ALL_WRITERS),
		Desktops: c.about.Desktops.known(), Folder: c.about.Folder, Subject: c.about.Subject, Auth: c.about.Token != "", Foreign: c.about.Foreign,
	}
	return v, nil
}

// windowOf is the window of consistency for what an observer has seen.
func (c *config) windowOf(h *optestv1.TraceHeader) (time.Duration, error) {
	text := h.GetProfile()
	window, found := strings.CutPrefix(text, "eventual (")
	switch {
	case c.profiled:
		return c.window, nil
	case text == "strong" || text == "" && h.GetObserver() == optestv1.TraceHeader_SERVER:
		return 0, nil
	case text == "":
		return defaultWindow, nil
	case found:
		d, err := time.ParseDuration(strings.TrimSuffix(window, ")"))
		if err == nil && d > 0 {
			return d, nil
		}
	}
	return 0, fmt.Errorf("optest: the trace's profile %q, want strong or one such as eventual (5s)", text)
}

// About says what is known of a server that somebody else has talked to: the
// target's desktops, folder, subject and foreign operation, and with a token that
// it knows its callers.
func About(target Target) Option { return optionFunc(func(c *config) { c.about = target }) }

// Profile is what the server is expected to be: strong, or eventual with a window.
func (v *Verifier) Profile() string { return profiled(v.env.Window) }

// Observe takes an event in and returns what it shows. Events come in the order in
// which they returned. After [Verifier.Report] it does nothing.
func (v *Verifier) Observe(e *trace.Event) []Found {
	if v.report != nil {
		return nil
	}
	w := v.world(e.Session())
	if w == nil {
		v.ignored++
		return nil
	}
	if v.events == 0 {
		v.first = e.Called
	}
	v.events++
	v.first, v.last = min(v.first, e.Called), max(v.last, e.Returned)
	if e.Method == rules.MethodCreate {
		v.creates++
	}
	if p := spoken(e); p != "" {
		v.protocol[p] = true
	}
	if v.events <= v.keep {
		v.kept = append(v.kept, e)
	} else {
		v.kept = nil
	}
	w.checker.Observe(e)
	return found(w.watch.News())
}

func (v *Verifier) world(session string) *watched {
	if w, ok := v.worlds[session]; ok {
		return w
	}
	if len(v.worlds) == maxWorlds {
		return nil
	}
	checker := rules.NewChecker(v.env, v.chosen)
	w := &watched{checker, rules.NewWatch(checker)}
	v.worlds[session] = w
	v.order = append(v.order, session)
	return w
}

func found(news []rules.News) []Found {
	var list []Found
	for _, n := range news {
		list = append(list, Found{
			ID: n.Rule.ID, Title: n.Rule.Title, Practice: n.Rule.Level == rules.Practice, Quote: n.Rule.Quote, Source: n.Rule.Source,
			Finding: Finding{Severity: Severity(n.Kind), Text: n.Text, Evidence: n.Evidence},
		})
	}
	return list
}

// spoken is the protocol of an event, empty for none of them.
func spoken(e *trace.Event) Protocol {
	switch e.Protocol {
	case optestv1.Event_GRPC:
		return GRPC
	case optestv1.Event_GRPC_WEB:
		return GRPCWeb
	case optestv1.Event_REST:
		return REST
	case optestv1.Event_CONNECT:
		if e.RequestCodec == optestv1.Event_JSON {
			return ConnectJSON
		}
		return Connect
	}
	return ""
}

// Report ends the watch: it is what was found until now. To call it again returns
// the same.
func (v *Verifier) Report() *Report {
	if v.report != nil {
		return v.report
	}
	h := v.env.Header
	r := &Report{
		Target: h.GetTarget(), Profile: v.Profile(), Contract: v.config.contract, Seed: h.GetSeed(), Header: h, Events: v.kept,
		Used: Used{Elapsed: v.last - v.first, Requests: v.events, Creates: v.creates},
		env:  v.env, driver: v.driver, time: time.Now(), seen: v.events,
	}
	for _, p := range AllProtocols() {
		if v.protocol[p] {
			r.Protocols = append(r.Protocols, p)
		}
	}
	for _, span := range v.env.Untimed {
		r.Used.Stalls = append(r.Used.Stalls, Span(span))
	}
	if v.events == 0 {
		r.noVerdict = "no call was seen"
	}
	if v.ignored > 0 {
		r.cutShort = fmt.Sprintf("%d calls are of sessions beyond the first %d, which were not looked at", v.ignored, maxWorlds)
	}
	for _, w := range v.worlds {
		r.forgotten += w.checker.Evicted()
	}
	r.results = v.results()
	r.tabulate()
	v.report = r
	return r
}

// results are those of all worlds as one.
func (v *Verifier) results() []rules.Result {
	if len(v.order) == 0 {
		return rules.NewChecker(v.env, v.chosen).End()
	}
	var merged []rules.Result
	for _, session := range v.order {
		for i, one := range v.worlds[session].checker.End() {
			if i == len(merged) {
				merged = append(merged, one)
				continue
			}
			merged[i] = joined(merged[i], one)
		}
	}
	return merged
}

// joined is a rule's result of two worlds: the worse verdict, where not to have
// been exercised in one of them means nothing.
func joined(a, b rules.Result) rules.Result {
	if slices.Index(weight, b.Verdict) > slices.Index(weight, a.Verdict) {
		a.Verdict, a.Reason = b.Verdict, b.Reason
	}
	a.Exercised += b.Exercised
	a.More = a.More || b.More
	a.Errors += b.Errors
	a.Warnings += b.Warnings
	const most = 20
	a.Findings = slices.Concat(a.Findings, b.Findings)
	slices.SortStableFunc(a.Findings, func(x, y rules.Finding) int { return cmp.Compare(y.Kind, x.Kind) })
	a.Findings = a.Findings[:min(most, len(a.Findings))]
	return a
}

// weight is which verdict of two counts.
var weight = []rules.Verdict{rules.NotApplicable, rules.NotExercised, rules.Pass, rules.Inconclusive, rules.Warned, rules.Fail}

func profiled(window time.Duration) string {
	if window > 0 {
		return fmt.Sprintf("eventual (%v)", window)
	}
	return "strong"
}
