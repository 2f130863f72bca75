// Bareserver is package bare as a program, to hold the built mock against. It serves the address in its first argument until it is
// killed, and prints where.
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/optest-dev/optest/mockserver/internal/bench/bare"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("bareserver: got %d arguments, want one: an address such as 127.0.0.1:0", len(args))
	}
	server, err := bare.NewServer()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	fmt.Printf("bare: serving http://%s\n", listener.Addr())
	return server.Serve(listener)
}
