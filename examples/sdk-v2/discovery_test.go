package sdkv2_test

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/iamkey"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/mockserver"
)

// secure is the server that the tests with discovery share. The SDK's discovery
// trusts the roots of the process alone, which Go reads from SSL_CERT_FILE when
// it first needs them and never again: the server has to be there before.
var secure *mockserver.Server

const token = "t1.right"

func TestMain(m *testing.M) {
	code, err := withSecureServer(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// withSecureServer returns 1, or what run has returned, and what else went
// wrong.
func withSecureServer(run func() int) (code int, err error) {
	// An hour of the server's takes 3.6 ms.
	srv, err := mockserver.Start(mockserver.Listen("127.0.0.1:0"), mockserver.SelfSigned(),
		mockserver.Token(token), mockserver.Speed(1e6))
	if err != nil {
		return 1, err
	}
	defer func() {
		if e := srv.Close(); e != nil {
			code, err = cmp.Or(code, 1), e
		}
	}()
	dir, err := os.MkdirTemp("", "optest-root-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, srv.RootPEM(), 0o600); err != nil {
		return 1, err
	}
	if err := os.Setenv("SSL_CERT_FILE", root); err != nil {
		return 1, err
	}
	secure = srv
	return run(), nil
}

func needsRoots(t *testing.T) {
	t.Helper()
	switch runtime.GOOS {
	case "darwin", "ios", "windows":
		t.Skipf("Go on %s asks the system for roots and does not read SSL_CERT_FILE", runtime.GOOS)
	}
}

// TestDiscovery gives the SDK an address and credentials, nothing else.
func TestDiscovery(t *testing.T) {
	needsRoots(t)
	for _, tt := range []struct {
		name        string
		credentials credentials.Credentials
		exchanges   int
		code        codes.Code
	}{
		{"IAM token", credentials.IAMToken(token), 0, codes.OK},
		{"wrong IAM token", credentials.IAMToken("t1.wrong"), 0, codes.Unauthenticated},
		{"no credentials", credentials.NoAuthentication(), 0, codes.Unauthenticated},
		{"service account's key, exchanged by IamTokenService", serviceAccount(t), 1, codes.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			secure.Play(mockserver.Running(time.Hour).Succeed())
			before := len(secure.Calls())
			sdk := newSDK(t, options.WithDiscoveryEndpoint(secure.Addr()), options.WithCredentials(tt.credentials))
			op, err := copyImage(t.Context(), sdk, "desktop-1")
			if status.Code(err) != tt.code {
				t.Fatalf("CopyFromDesktop returned %v, want %v", err, tt.code)
			}
			calls := secure.Calls()[before:]
			if n := count(calls, createToken); n != tt.exchanges {
				t.Errorf("the server saw %d token exchanges, want %d", n, tt.exchanges)
			}
			if n := count(calls, listEndpoints); n != 1 {
				t.Errorf("the server was asked %d times for its endpoints, want once", n)
			}
			if err != nil {
				return
			}
			response, err := op.WaitInterval(t.Context(), everyMillisecond)
			if image, ok := response.(*clouddesktop.DesktopImage); !ok || image.GetId() != op.ResourceID() {
				t.Errorf("Wait returned %v (%v), want the image %q", response, err, op.ResourceID())
			}
		})
	}
}

// TestDiscoveredFailures chooses lives of the catalogue by the request itself.
func TestDiscoveredFailures(t *testing.T) {
	needsRoots(t)
	sdk := newSDK(t, options.WithDiscoveryEndpoint(secure.Addr()), options.WithCredentials(credentials.IAMToken(token)))
	for _, desktop := range []string{"quota-exceeded", "early-error"} {
		t.Run(desktop, func(t *testing.T) {
			op, err := copyImage(t.Context(), sdk, desktop)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := op.WaitInterval(t.Context(), everyMillisecond); status.Code(err) != codes.ResourceExhausted {
				t.Errorf("the operation ended with %v, want %v", err, codes.ResourceExhausted)
			}
		})
	}
}

// serviceAccount is credentials whose key signs a token for IamTokenService.
func serviceAccount(t *testing.T) credentials.Credentials {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := credentials.ServiceAccountKey(&iamkey.Key{
		Id:         "key-1",
		Subject:    &iamkey.Key_ServiceAccountId{ServiceAccountId: "account-1"},
		PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func everyMillisecond(int) time.Duration { return time.Millisecond }
