// Package catalogue is the scenarios that a run of the program knows: those
// built in, and on top of them those of the user's files.
package catalogue

import (
	"fmt"
	"maps"
	"slices"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/suggest"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/fixtures/scenariofile"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Catalogue finds scenarios by name. It does not change.
type Catalogue struct {
	paths []string
	user  []*optestv1.Scenario
	named map[string]*optestv1.Scenario // of user
}

// Open reads the files and directories. Without any it does nothing: the
// built-in scenarios are decoded when they are asked for. An error about files
// is of type scenariofile.Errors.
func Open(paths []string) (*Catalogue, error) {
	c := &Catalogue{paths: paths, named: map[string]*optestv1.Scenario{}}
	if len(paths) == 0 {
		return c, nil
	}
	var err error
	if c.user, err = scenariofile.Load(paths...); err != nil {
		return nil, err
	}
	for _, s := range c.user {
		c.named[s.GetName()] = s
	}
	return c, nil
}

// User returns the scenarios of the user's files, in their order.
func (c *Catalogue) User() []*optestv1.Scenario { return c.user }

// Names returns all names, sorted.
func (c *Catalogue) Names() []string {
	names := slices.AppendSeq(fixtures.Names(), maps.Keys(c.named))
	slices.Sort(names)
	return slices.Compact(names)
}

// Find returns the scenario of that name: the user's where there is one, for it
// takes the place of the built-in one. The error for an unknown name is one of
// usage and names those that may have been meant.
func (c *Catalogue) Find(name string) (*optestv1.Scenario, error) {
	if s, ok := c.named[name]; ok {
		return s, nil
	}
	if s, ok := fixtures.Get(name); ok {
		return s, nil
	}
	return nil, exit.Misuse(fmt.Errorf("no scenario %q, %s", name, c.meant(name)))
}

func (c *Catalogue) meant(name string) string {
	if meant := suggest.Meant(name, "", c.Names()); meant != "" {
		return meant
	}
	return "want a name from optest scenarios list"
}

// BuiltIn reports whether the scenario of that name is not from the user's
// files.
func (c *Catalogue) BuiltIn(name string) bool { return c.named[name] == nil }
