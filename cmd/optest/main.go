// Command optest is the toolkit for those who don't write Go tests: it serves
// the mock to clients in any language, looks after scenario files and shows
// what it can do.
//
// It ends with 0 if all is well, 1 if something was found or failed while
// running, and 2 if the command line can't be meant as it is. `optest exec`
// ends with the code of its command.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx := stoppable(context.Background())
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// stoppable returns a context that the first SIGINT or SIGTERM ends. A second
// one ends the program at once.
func stoppable(parent context.Context) context.Context {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		// First, so that who sees the context ended can rely on it.
		signal.Stop(signals)
		cancel()
	}()
	return ctx
}
