package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says what the binary was made from.
type build struct {
	Version string `json:"version"`
	// Commit is empty where the binary was not built in a repository.
	Commit string `json:"commit"`
	// Modified says that the commit is not all: files were changed after it.
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion() *cobra.Command {
	format := formats()
	cmd := &cobra.Command{
		Use:   "version [flags]",
		Short: "Say what was built from what",
		Long:  "Print the version, the commit it was built from, and the Go version and platform.",
		Example: `  optest version
  optest version --format json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := buildOf(debug.ReadBuildInfo())
			if format.Value == formatJSON {
				return printJSON(cmd.OutOrStdout(), b)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), b)
			return err
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	addFormat(cmd, format)
	return cmd
}

func buildOf(info *debug.BuildInfo, ok bool) build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Commit = setting.Value
		case "vcs.modified":
			b.Modified = setting.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	commit := "unknown"
	if b.Commit != "" {
		commit = b.Commit
	}
	if b.Modified {
		commit += " and changes"
	}
	return fmt.Sprintf("optest %s, commit %s, %s %s", b.Version, commit, b.Go, b.Platform)
}
