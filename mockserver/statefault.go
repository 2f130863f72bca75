package mockserver

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// maxInjected bounds the injected faults of a session: each is held against
// every call.
const maxInjected = 1_000

func savedStrikes(counts strikes) []*optestv1.FaultCount {
	var list []*optestv1.FaultCount
	for _, n := range counts {
		list = append(list, &optestv1.FaultCount{Seen: n.seen, Hit: n.hit})
	}
	return list
}

// savedQuirks is empty where no quirk was asked for.
func savedQuirks(quirks []*quirk) []uint64 {
	list := make([]uint64, len(quirks))
	for i, q := range quirks {
		list[i] = q.asked.Load()
	}
	if !slices.ContainsFunc(list, func(n uint64) bool { return n > 0 }) {
		return nil
	}
	return list
}

func (in *injections) save() []*optestv1.SavedFault {
	in.mu.Lock()
	defer in.mu.Unlock()
	var list []*optestv1.SavedFault
	for _, one := range in.list {
		saved := &optestv1.SavedFault{Fault: &optestv1.InjectRequest{OperationId: one.operation, Scenario: one.scenario}}
		for _, f := range one.fault {
			saved.Fault.Fault = proto.CloneOf(f.Fault)
		}
		for _, q := range one.quirks {
			saved.Fault.Fault, saved.Quirk = proto.CloneOf(q.Fault), q.asked.Load()
		}
		for _, n := range savedStrikes(one.counts) {
			saved.Count = n
		}
		list = append(list, saved)
	}
	return list
}

// loadedStrikes takes a counter for each fault, or none at all.
func loadedStrikes(saved []*optestv1.FaultCount, faults []fault, path string) (strikes, error) {
	if len(saved) == 0 {
		return nil, nil
	}
	if len(saved) != len(faults) {
		return nil, invalid(path, "got %d counters, want %d, one for each fault that is no quirk, or none", len(saved), len(faults))
	}
	counts := make(strikes, len(saved))
	for i, n := range saved {
		if n.GetHit() > n.GetSeen() {
			return nil, invalid(element(path, i)+".hit", "got %d, want at most the %d calls seen", n.GetHit(), n.GetSeen())
		}
		counts[i].seen, counts[i].hit = n.GetSeen(), n.GetHit()
	}
	return counts, nil
}

// loadQuirks takes a counter for each quirk, or none at all.
func loadQuirks(saved []uint64, quirks []*quirk, path string) error {
	if n := len(saved); n != 0 && n != len(quirks) {
		return invalid(path, "got %d counters, want %d, one for each quirk, or none", n, len(quirks))
	}
	for i, n := range saved {
		quirks[i].asked.Store(n)
	}
	return nil
}

// faults reads state.faults.
func (l *loading) faults() error {
	in := &l.session.injected
	if n := len(l.state.GetFaults()); n > maxInjected {
		return invalid("state.faults", "got %d, want at most %d", n, maxInjected)
	}
	for i, saved := range l.state.GetFaults() {
		path := element("state.faults", i)
		if saved.GetFault().GetFault() == nil {
			return invalid(path+".fault.fault", "got nothing, want what goes wrong")
		}
		one, err := newInjection(proto.CloneOf(saved.GetFault()))
		if err != nil {
			return invalid(path+".fault", "%s", strings.TrimPrefix(err.Error(), "optest: "))
		}
		if saved.GetCount() != nil {
			if one.counts, err = loadedStrikes([]*optestv1.FaultCount{saved.GetCount()}, one.fault, path+".count"); err != nil {
				return err
			}
		}
		if n := saved.GetQuirk(); n > 0 {
			if err := loadQuirks([]uint64{n}, one.quirks, path+".quirk"); err != nil {
				return err
			}
		}
		in.list = append(in.list, one)
	}
	in.some.Store(len(in.list) > 0)
	return nil
}
