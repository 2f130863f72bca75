package conformance

import (
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/conformance/internal/rules"
)

// Option configures [Run], [Check] and [Verify]. The defaults are right for most
// servers.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	window    time.Duration
	profiled  bool // the window was set
	contract  Source
	protocols []Protocol
	seed      uint64
	budget    Budget
	require   Requirement
	patterns  []string
	realTime  bool
	progress  func(Progress)
	ownFolder bool
	prefix    string
	about     Target // of a server that was watched
}

func newConfig(opts []Option) (*config, error) {
	c := &config{contract: Guide, protocols: AllProtocols(), seed: 1, prefix: "optest-"}
	for _, o := range opts {
		o.apply(c)
	}
	if _, ok := levels[c.contract]; !ok {
		return nil, fmt.Errorf("optest: contract %q, want %q, %q or %q", c.contract, SeedPage, Proto, Guide)
	}
	for i, p := range c.protocols {
		if p.driven() < 0 {
			return nil, fmt.Errorf("optest: protocol %q, want some of %q", p, AllProtocols())
		}
		if slices.Contains(c.protocols[:i], p) {
			return nil, fmt.Errorf("optest: protocol %q twice, want each once", p)
		}
	}
	if len(c.protocols) == 0 {
		return nil, fmt.Errorf("optest: no protocol, want some of %q", AllProtocols())
	}
	if c.window < 0 {
		return nil, fmt.Errorf("optest: window of consistency %v, want one that is not negative", c.window)
	}
	for _, pattern := range c.patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("optest: pattern of rules %q: %w, want one such as LRO-*", pattern, err)
		}
		if len(c.chosen([]string{pattern})) == 0 {
			return nil, fmt.Errorf("optest: pattern of rules %q matches none, want one such as LRO-* or %s", pattern, rules.All()[0].ID)
		}
	}
	return c, nil
}

// Strong expects reads to show every write that had returned before they began.
// It is the default for servers in memory and on the same machine.
func Strong() Option { return optionFunc(func(c *config) { c.window, c.profiled = 0, true }) }

// Eventual allows reads to miss writes that had returned less than the window
// before. With 5 s it is the default for servers elsewhere.
func Eventual(window time.Duration) Option {
	return optionFunc(func(c *config) { c.window, c.profiled = window, true })
}

// defaultWindow is that of servers which others use too.
const defaultWindow = 5 * time.Second

// Source is a document of the contract.
type Source string

const (
	// SeedPage is the documentation of the method.
	SeedPage Source = "seed"
	// Proto are the published proto files.
	Proto Source = "proto"
	// Guide is the vendor's API guide.
	Guide Source = "guide"
)

var levels = map[Source]rules.Level{SeedPage: rules.Seed, Proto: rules.Proto, Guide: rules.Guide}

// Contract holds a server to that source and those before it: the method's page,
// then the proto files, then the guide. The default is [Guide]: to all of them.
func Contract(last Source) Option { return optionFunc(func(c *config) { c.contract = last }) }

// Protocol is how a server is spoken to.
type Protocol string

const (
	GRPC        Protocol = "grpc"
	GRPCWeb     Protocol = "grpc-web"
	Connect     Protocol = "connect"
	ConnectJSON Protocol = "connect-json"
	REST        Protocol = "rest"
)

// AllProtocols are all of them.
func AllProtocols() []Protocol { return []Protocol{GRPC, GRPCWeb, Connect, ConnectJSON, REST} }

// driven is the protocol as the driver has it, -1 for one that there is not.
func (p Protocol) driven() drive.Protocol {
	for _, known := range drive.Protocols {
		if known.String() == string(p) {
			return known
		}
	}
	return -1
}

// Protocols restricts a run to these. The default is all; those that the server
// does not speak are found out and left aside.
func Protocols(list ...Protocol) Option {
	return optionFunc(func(c *config) { c.protocols = list })
}

// Seed settles what a run draws: keys, gaps between polls, the random phase of
// [Check]. The default is 1, so that runs are alike. What [Run] does at random in
// virtual time is up to rapid and its flags, such as -rapid.seed.
func Seed(seed uint64) Option { return optionFunc(func(c *config) { c.seed = seed }) }

// Within bounds what a run in real time may ask of the server.
func Within(b Budget) Option { return optionFunc(func(c *config) { c.budget = b }) }

// Requirement is what makes a test fail besides broken rules.
type Requirement int

// Core requires that every core rule was exercised.
const Core Requirement = 1

// Require has [Run] fail also where the requirement is not met.
func Require(r Requirement) Option { return optionFunc(func(c *config) { c.require |= r }) }

// Rules restricts the rules to those whose ids match one of the patterns, which
// are those of [path.Match]: "LRO-*". The verdict on the server is then PARTIAL at
// best.
func Rules(patterns ...string) Option {
	return optionFunc(func(c *config) { c.patterns = append(c.patterns, patterns...) })
}

// RealTime has [Run] wait for the server as a client does. It is for servers on
// sockets, and for those that can't live in a testing/synctest bubble.
func RealTime() Option { return optionFunc(func(c *config) { c.realTime = true }) }

// Observe has a run tell how far it has come. The function is called by one
// goroutine at a time and should not take long.
func Observe(f func(Progress)) Option { return optionFunc(func(c *config) { c.progress = f }) }

// OwnFolder says that nobody else uses the target's folder, and that images may be
// made and deleted there. Without it, a server elsewhere is not held to rules
// about what there is besides, and the vendor's own is not spoken to at all.
func OwnFolder() Option { return optionFunc(func(c *config) { c.ownFolder = true }) }

// Prefix begins the names of the images that a run in real time makes, before some
// letters that differ from run to run. The default is "optest-".
func Prefix(text string) Option { return optionFunc(func(c *config) { c.prefix = text }) }

// Progress is how far a run has come.
type Progress struct {
	// Doing is the name of the script, or of the phase: probe, random, cleanup.
	Doing string
	// Script of Scripts, counted from 1. Both are 0 outside the scripted phase.
	Script, Scripts   int
	Requests, Creates int
	Elapsed           time.Duration
}

// chosen are the rules that match, all without a pattern.
func (c *config) chosen(patterns []string) []*rules.Rule {
	all := rules.All()
	if len(patterns) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(r *rules.Rule) bool {
		return !slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := path.Match(p, r.ID)
			return ok && err == nil
		})
	})
}
