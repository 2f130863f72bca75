package conformance_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/optest-dev/optest/conformance"
)

// A program that checks a server on the network. When it is interrupted, it deletes
// what it has made and reports what it has seen.
func ExampleCheck() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	report, err := conformance.Check(ctx, conformance.Target{
		URL:      "https://desktops.example.com",
		Token:    os.Getenv("TOKEN"),
		Folder:   "b1gfolder00000000000",
		Desktops: conformance.Desktops{Succeeds: "desktop-that-works"},
	}, conformance.OwnFolder(), conformance.Within(conformance.Budget{Creates: 20, Time: time.Hour}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report)
}
