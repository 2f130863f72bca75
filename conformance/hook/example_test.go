package hook_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/hook"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
)

// A client of grpc-go does its work, and the server that it talks to is judged.
func ExampleStart() {
	srv, err := mockserver.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.Play(fixtures.Must("done-without-result"))

	h, err := hook.Start(hook.Found(func(f conformance.Found) {
		if f.Severity == conformance.Error {
			fmt.Println("broken:", f.ID, f.Title)
		}
	}))
	if err != nil {
		log.Fatal(err)
	}
	conn, err := grpc.NewClient("passthrough:///optest", append(srv.DialOptions(), h.DialOptions()...)...)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	ctx := context.Background()
	op, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	if err != nil {
		log.Fatal(err)
	}
	srv.Advance(time.Hour)
	if _, err := operation.NewOperationServiceClient(conn).Get(ctx, &operation.GetOperationRequest{OperationId: op.GetId()}); err != nil {
		log.Fatal(err)
	}

	report, err := h.Report()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Verdict)
	fmt.Println(report.Rule("OP-08").Quote)
	// Output:
	// broken: OP-08 A done operation has a result
	// NOT CONFORMANT
	// If `done == true`, exactly one of `error` or `response` is set.
}
