package main

import (
	"slices"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every flag of the commands that judge completes something, if only to no file
// names.
func TestEveryFlagOfJudgesCompletes(t *testing.T) {
	files := []string{"waivers", "trace-out", "tls-root-out"}
	for _, cmd := range []*cobra.Command{newCheck(), newVerify(), newProxy()} {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			_, completes := cmd.GetFlagCompletionFunc(f.Name)
			if !completes && !slices.Contains(files, f.Name) && f.Value.Type() != "bool" {
				t.Errorf("%s --%s completes file names", cmd.Name(), f.Name)
			}
		})
	}
}
