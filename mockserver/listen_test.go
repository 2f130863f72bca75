package mockserver

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

func TestTLSBesidePlaintext(t *testing.T) {
	s := New(t, Listen("127.0.0.1:0"), SelfSigned())
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.RootPEM()) {
		t.Fatal("the root is no certificate")
	}
	cfg := &tls.Config{RootCAs: roots}
	conn, err := grpc.NewClient(s.Addr(), grpc.WithTransportCredentials(credentials.NewTLS(cfg)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	op, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
	if err != nil {
		t.Fatalf("gRPC over TLS: %v", err)
	}
	if _, err := getOperation(t.Context(), s, op.GetId()); err != nil {
		t.Errorf("gRPC in plaintext: %v", err)
	}
	for name, client := range map[string]*http.Client{
		"HTTP/2 over TLS":   {Transport: &http.Transport{TLSClientConfig: cfg.Clone(), ForceAttemptHTTP2: true}},
		"HTTP/1.1 over TLS": {Transport: &http.Transport{TLSClientConfig: cfg.Clone()}},
	} {
		resp, err := client.Get("https://" + s.Addr() + "/operations/" + op.GetId())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = resp.Body.Close()
		if want := name[:len("HTTP/2")]; resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Proto, want) {
			t.Errorf("%s: got %s with %s", name, resp.Status, resp.Proto)
		}
		client.CloseIdleConnections()
	}
	plain := &http.Client{Transport: &http.Transport{}}
	resp, err := plain.Get(s.URL() + "/operations/" + op.GetId())
	if err != nil {
		t.Fatalf("HTTP/1.1 in plaintext: %v", err)
	}
	_ = resp.Body.Close()
	plain.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("HTTP/1.1 in plaintext: %s", resp.Status)
	}
}

func TestAddressesThatAreRefused(t *testing.T) {
	first := New(t, Listen("127.0.0.1:0"))
	for name, tt := range map[string]struct {
		opts []Option
		want string
	}{
		"not loopback":     {[]Option{Listen("0.0.0.0:0")}, "token"},
		"every interface":  {[]Option{Listen(":0")}, "token"},
		"no port":          {[]Option{Listen("localhost")}, "host:port"},
		"a port in use":    {[]Option{Listen(first.Addr())}, "address already in use"},
		"no journal":       {[]Option{Journal(-1)}, "Journal -1, want 1 or more"},
		"no speed":         {[]Option{Speed(-1)}, "Speed -1"},
		"an unknown thing": {[]Option{Listen("127.0.0.1:nothing")}, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(tt.opts...)
			if err == nil {
				_ = s.Close()
				t.Fatal("it listens, want an error")
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "optest: ") {
				t.Errorf("error %q lacks %q", err, tt.want)
			}
		})
	}
	alive(t, first)
	s, err := Start(Listen("0.0.0.0:0"), Token("secret"))
	if err != nil {
		t.Fatalf("not loopback with a token: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestCloseIsIdempotentAndFinal(t *testing.T) {
	s := New(t, Listen("127.0.0.1:0"))
	alive(t, s)
	for range 3 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := getOperation(t.Context(), s, "x"); err == nil {
		t.Error("a closed server answers")
	}
	again, err := Start(Listen(s.Addr()))
	if err != nil {
		t.Fatalf("its port is still in use: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
