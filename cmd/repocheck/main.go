// Command repocheck holds this repository to rules that no compiler checks:
//
//	repocheck layers   imports between packages point one way
//	repocheck readme   code in README.md is that of the files it is taken from
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: repocheck layers|readme")
		os.Exit(2)
	}
	check, ok := map[string]func() ([]string, error){"layers": layers, "readme": readme}[os.Args[1]]
	if !ok {
		fmt.Fprintf(os.Stderr, "repocheck: unknown check %q, want layers or readme\n", os.Args[1])
		os.Exit(2)
	}
	findings, err := check()
	if err != nil {
		fmt.Fprintln(os.Stderr, "repocheck:", err)
		os.Exit(1)
	}
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		os.Exit(1)
	}
	fmt.Printf("repocheck %s: nothing found\n", os.Args[1])
}
