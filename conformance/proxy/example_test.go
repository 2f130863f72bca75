package proxy_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/optest-dev/optest/conformance/proxy"
	"github.com/optest-dev/optest/mockserver"
)

// Whoever uses the proxy's address instead of the server's is watched.
func ExampleStart() {
	srv, err := mockserver.Start(mockserver.Listen("127.0.0.1:0"))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	p, err := proxy.Start(srv.URL(), proxy.OnlyDoor())
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()

	resp, err := http.Get(p.URL() + "/operations/none")
	if err != nil {
		log.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		log.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()

	report, err := p.Report()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, report.Verdict, report.Used.Requests)
	// Output: 404 PARTIAL 1
}
