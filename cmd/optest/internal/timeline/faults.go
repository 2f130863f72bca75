package timeline

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/status"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// place is where a fault is drawn: beside the phase from which on it can strike,
// or beside Cancel.
type place struct {
	phase  optestv1.Fault_Phase
	cancel bool
}

// placed words the faults of a scenario by their place.
func placed(s *optestv1.Scenario, t texts) map[place][]string {
	marks := map[place][]string{}
	for _, f := range s.GetFaults() {
		at := place{phase: f.GetFromPhase()}
		if f.GetOn() == optestv1.Fault_CANCEL && f.GetMethod() == "" {
			at = place{cancel: true}
		}
		marks[at] = append(marks[at], t.fault(f))
	}
	return marks
}

func faultPhase(p engine.Phase) optestv1.Fault_Phase {
	switch p {
	case engine.Running:
		return optestv1.Fault_RUNNING
	case engine.Failing:
		return optestv1.Fault_FAILING
	}
	return optestv1.Fault_DONE
}

// fault is such as `polls 2-4: UNAVAILABLE "The service is restarting"`.
func (t texts) fault(f *optestv1.Fault) string {
	text := t.calls(f) + ": " + t.effect(f)
	if f.GetName() != "" {
		text += " (" + t.word(f.GetName()) + ")"
	}
	return text
}

// calls says which calls a fault hits.
func (t texts) calls(f *optestv1.Fault) string {
	text := numbered(f, t.noun(f))
	if f.GetEvery() > 1 {
		text = "1 in " + strconv.Itoa(int(f.GetEvery())) + " of " + text
	}
	if p := f.GetProbability(); p > 0 && p < 1 {
		text += " with probability " + strconv.FormatFloat(p, 'g', 3, 64)
	}
	if n := f.GetReader().GetConnection(); n > 0 {
		text += fmt.Sprintf(" of connection %d", n)
	}
	text += t.headers(" with ", f.GetReader().GetHeaders())
	text += phases(f)
	var protocols []string
	for _, p := range f.GetProtocols() {
		protocols = append(protocols, p.String())
	}
	if len(protocols) > 0 {
		text += " over " + strings.Join(protocols, ", ")
	}
	if n := f.GetTimes(); n > 0 {
		text += fmt.Sprintf(", %s at most", counted(int(n), "time"))
	}
	return text
}

// noun is what a fault's calls are called, in the singular.
func (t texts) noun(f *optestv1.Fault) string {
	if f.GetQuirk() != nil && f.GetMethod() != "" {
		return "the server in " + t.word(f.GetMethod())
	}
	on := map[optestv1.Fault_On]string{
		optestv1.Fault_CREATE: "create", optestv1.Fault_GET: "poll", optestv1.Fault_CANCEL: "Cancel",
		optestv1.Fault_LIST: "list", optestv1.Fault_ANY: "call",
	}[f.GetOn()]
	switch {
	case f.GetMethod() == "":
		return on
	case on == "":
		return t.word(f.GetMethod())
	}
	return on + " or " + t.word(f.GetMethod())
}

func numbered(f *optestv1.Fault, noun string) string {
	if f.GetQuirk() != nil {
		return cmp.Or(noun, "the server") // its kind says in which calls
	}
	plural := noun + "s"
	if f.GetMethod() != "" {
		plural = noun
	}
	from, to := max(1, f.GetCalls().GetFrom()), f.GetCalls().GetTo()
	switch {
	case from == to:
		return fmt.Sprintf("%s %d", noun, from)
	case to > 0:
		return fmt.Sprintf("%s %d-%d", plural, from, to)
	case from > 1:
		return fmt.Sprintf("%s from %d on", plural, from)
	case f.GetEvery() > 1:
		return plural
	}
	return "every " + noun
}

func phases(f *optestv1.Fault) string {
	from, until := strings.ToLower(f.GetFromPhase().String()), strings.ToLower(f.GetUntilPhase().String())
	switch {
	case f.GetFromPhase() == 0 && f.GetUntilPhase() == 0:
		return ""
	case f.GetFromPhase() == f.GetUntilPhase():
		return " while " + from
	case f.GetUntilPhase() == 0:
		return " once " + from
	case f.GetFromPhase() == 0 && f.GetUntilPhase() == optestv1.Fault_RUNNING:
		return " while running"
	case f.GetFromPhase() == 0:
		return " until " + until
	}
	return " from " + from + " to " + until
}

// effect says what a fault does.
func (t texts) effect(f *optestv1.Fault) string {
	switch e := f.GetEffect().(type) {
	case *optestv1.Fault_Status:
		s := e.Status.GetStatus()
		text := t.status(&status.Status{Code: int32(s.GetCode()), Message: s.GetMessage(), Details: s.GetDetails()})
		return text + t.headers(" with trailer ", e.Status.GetTrailers()) + committed(e.Status.GetAfterCommit())
	case *optestv1.Fault_Delay:
		by, jitter := e.Delay.GetBy().AsDuration(), e.Delay.GetJitter().AsDuration()
		if jitter > 0 {
			return span(by) + " to " + span(by+jitter) + " late"
		}
		return span(by) + " late"
	case *optestv1.Fault_Hang:
		return "never answered" + committed(e.Hang.GetAfterCommit())
	case *optestv1.Fault_Headers:
		return strings.TrimPrefix(t.headers(" header ", e.Headers.GetSet()), " ")
	case *optestv1.Fault_Answer:
		return t.answer(e.Answer)
	case *optestv1.Fault_Http:
		text := fmt.Sprintf("HTTP %d", e.Http.GetStatus())
		if e.Http.GetContentType() != "" {
			text += " " + t.word(e.Http.GetContentType())
		}
		return text + t.headers(" with header ", e.Http.GetHeaders()) + committed(e.Http.GetAfterCommit())
	case *optestv1.Fault_Transport:
		text := e.Transport.GetKind().String()
		if n := e.Transport.GetAfterBytes(); n > 0 {
			text += " after " + counted(int(n), "byte")
		}
		return text + committed(e.Transport.GetAfterCommit())
	case *optestv1.Fault_Clock:
		return t.clock(e.Clock)
	case *optestv1.Fault_Json:
		return "JSON with " + e.Json.GetShape().String()
	case *optestv1.Fault_Quirk:
		return e.Quirk.GetKind().String()
	}
	return "nothing"
}

func (t texts) answer(a *optestv1.AnswerFault) string {
	var list []string
	add := func(what string, names []string) {
		for i, name := range names {
			names[i] = t.word(name)
		}
		if len(names) > 0 {
			list = append(list, what+" "+t.some(names))
		}
	}
	if a.GetAsOf() != nil {
		list = append(list, "as of "+span(a.GetAsOf().AsDuration()))
	}
	if fields := names(a.GetSet()); len(fields) > 0 {
		list = append(list, "with "+t.fields(a.GetSet(), fields))
	}
	add("without", slices.Clone(a.GetClear()))
	add("another operation's", slices.Clone(a.GetCopy()))
	if n := len(a.GetAppendRaw()); n > 0 {
		list = append(list, "with "+counted(n, "raw byte")+" more")
	}
	if n := len(a.GetReplaceRaw()); n > 0 {
		list = append(list, "of "+counted(n, "raw byte")+" instead")
	}
	return "answer " + strings.Join(list, ", ")
}

func (t texts) clock(c *optestv1.ClockFault) string {
	stamps := "timestamps"
	if c.GetOnly() != optestv1.ClockFault_STAMP_UNSPECIFIED {
		stamps = strings.ToLower(c.GetOnly().String())
	}
	var list []string
	switch c.GetFrom() {
	case optestv1.ClockFault_CREATION:
		list = append(list, "of creation")
	case optestv1.ClockFault_NOW:
		list = append(list, "of now")
	}
	if c.GetSkew() != nil {
		list = append(list, "off by "+span(c.GetSkew().AsDuration()))
	}
	if c.Nanos != nil {
		list = append(list, fmt.Sprintf("with nanos %d", c.GetNanos()))
	}
	if c.GetMillisAsSeconds() {
		list = append(list, "in milliseconds")
	}
	return stamps + " " + strings.Join(list, ", ")
}

func committed(after bool) string {
	if after {
		return ", after it took effect"
	}
	return ""
}

// headers shows headers after some words; an empty value says that the header is
// removed.
func (t texts) headers(words string, headers map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if headers[name] == "" {
			list = append(list, "no "+t.word(name))
			continue
		}
		list = append(list, t.word(name)+": "+t.word(headers[name]))
	}
	if len(list) == 0 {
		return ""
	}
	return words + t.some(list)
}

// counted is "1 byte", "2 bytes".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
