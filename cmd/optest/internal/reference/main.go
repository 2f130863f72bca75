// Command reference makes fixtures/CATALOGUE.md of the catalogue's scenarios and
// docs/rules.md of the rules. It is run from the root of the module:
//
//	go run ./cmd/optest/internal/reference
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	text, err := page()
	if err == nil {
		err = os.WriteFile(filepath.Join("fixtures", "CATALOGUE.md"), []byte(text), 0o644)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join("docs", "rules.md"), []byte(rulePage()), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
