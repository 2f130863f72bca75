package report

import (
	"fmt"
	"strings"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// fact is something of the run that a reader needs to repeat it. Both are plain.
type fact struct{ Name, Value string }

var driverNames = map[optestv1.ConformanceReport_Driver]string{
	optestv1.ConformanceReport_ACTIVE: "the suite's own calls",
	optestv1.ConformanceReport_HOOK:   "calls of a client, seen by a hook in it",
	optestv1.ConformanceReport_PROXY:  "calls of clients, seen by a proxy",
	optestv1.ConformanceReport_TRACE:  "a recorded trace",
}

func facts(rep *optestv1.ConformanceReport) []fact {
	var list []fact
	add := func(name, value string) {
		if value != "" {
			list = append(list, fact{name, plain(value)})
		}
	}
	add("server", implementation(rep.GetImplementation()))
	add("target", rep.GetTarget())
	judged := driverNames[rep.GetDriver()]
	if judged != "" && len(rep.GetProtocols()) > 0 {
		judged += " over " + listed(rep.GetProtocols(), "and")
	}
	add("judged by", judged)
	contract := ""
	if c := rep.GetContract(); c != "" {
		contract = "up to the " + map[string]string{"seed": "method's page", "proto": "proto files", "guide": "API guide"}[c]
	}
	if d := rep.GetContractDigest(); d != "" && contract != "" {
		contract += ", descriptors " + d[:min(12, len(d))]
	}
	add("contract", contract)
	if rep.GetProfile() != "" {
		add("reads", rep.GetProfile()+" consistency")
	}
	add("run", ran(rep))
	if rep.GetSeed() != 0 {
		add("seed", fmt.Sprint(rep.GetSeed()))
	}
	if n := len(rep.GetStalls()); n > 0 {
		var total time.Duration
		for _, s := range rep.GetStalls() {
			total += s.GetUntil().AsDuration() - s.GetFrom().AsDuration()
		}
		add("stalls", fmt.Sprintf("%s of %s in all, in which rules about time did not apply", counted(n, "span"), rounded(total)))
	}
	if t := rep.GetTime(); t != nil {
		add("written", strings.TrimSpace(t.AsTime().UTC().Format("2006-01-02 15:04:05 MST")+" by "+rep.GetTool()))
	} else if rep.GetTool() != "" {
		add("written", "by "+rep.GetTool())
	}
	return list
}

func implementation(i *optestv1.ConformanceReport_Implementation) string {
	var parts []string
	for _, p := range []string{i.GetOrganization(), i.GetProject(), i.GetVersion()} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	text := strings.Join(parts, " ")
	for _, p := range []string{i.GetUrl(), i.GetContact()} {
		if p != "" {
			text = strings.TrimPrefix(text+", "+p, ", ")
		}
	}
	return text
}

// ran is what the run has seen and used.
func ran(rep *optestv1.ConformanceReport) string {
	text := counted(rep.GetCounts().GetEvents(), "call")
	u := rep.GetUsed()
	if u == nil {
		return text
	}
	wall, elapsed := u.GetWall().AsDuration(), u.GetElapsed().AsDuration()
	if wall > 0 {
		text += " in " + rounded(wall)
	}
	// Of a virtual clock more goes by than of ours.
	if elapsed > wall+time.Second {
		text += ", " + rounded(elapsed) + " by its own clock"
	}
	if n := u.GetCreates(); n > 0 {
		text += ", " + counted(n, "image") + " made"
	}
	return text
}

// rounded is a duration as a person says it.
func rounded(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.String()
}
