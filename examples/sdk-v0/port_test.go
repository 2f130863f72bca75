package sdkv0_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	ycsdk "github.com/yandex-cloud/go-sdk"
	"github.com/yandex-cloud/go-sdk/iamkey"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/mockserver"
)

// TestByEndpointAlone gives the SDK an address and credentials, nothing else.
func TestByEndpointAlone(t *testing.T) {
	const token = "t1.right"
	for _, tt := range []struct {
		name        string
		credentials ycsdk.Credentials
		exchanges   int
		code        codes.Code
	}{
		{"IAM token", ycsdk.NewIAMTokenCredentials(token), 0, codes.OK},
		{"wrong IAM token", ycsdk.NewIAMTokenCredentials("t1.wrong"), 0, codes.Unauthenticated},
		{"OAuth token, exchanged by IamTokenService", ycsdk.OAuthToken("y0_any"), 1, codes.OK},
		{"service account's key, exchanged by IamTokenService", serviceAccount(t), 1, codes.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// An hour of the server's takes 3.6 ms.
			srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"), mockserver.Speed(1e6), mockserver.Token(token))
			srv.Play(mockserver.Running(time.Hour).Succeed())
			sdk := newSDK(t, srv, tt.credentials)
			op, err := copyImage(t.Context(), sdk, "desktop-1")
			if status.Code(err) != tt.code {
				t.Fatalf("CopyFromDesktop returned %v, want %v", err, tt.code)
			}
			if n := count(srv, createToken); n != tt.exchanges {
				t.Errorf("the server saw %d token exchanges, want %d", n, tt.exchanges)
			}
			if n := count(srv, listEndpoints); n != 1 {
				t.Errorf("the server was asked %d times for its endpoints, want once", n)
			}
			if err != nil {
				return
			}
			if err := op.WaitInterval(t.Context(), time.Millisecond); err != nil {
				t.Fatal(err)
			}
			images, err := sdk.CloudDesktop().DesktopImage().
				DesktopImageIterator(t.Context(), &clouddesktop.ListDesktopImagesRequest{FolderId: "folder-1"}).TakeAll()
			if err != nil || len(images) != 1 || images[0].GetId() != imageOf(t, op) {
				t.Errorf("the folder's images are %v (%v), want the new one alone", images, err)
			}
		})
	}
}

// TestCards chooses lives of the catalogue by the request itself.
func TestCards(t *testing.T) {
	srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"), mockserver.Speed(1e4))
	sdk := newSDK(t, srv, ycsdk.NewIAMTokenCredentials("t1.static"))
	for desktop, want := range map[string]codes.Code{
		"slow-success":   codes.OK,
		"quota-exceeded": codes.ResourceExhausted,
		"early-error":    codes.ResourceExhausted,
	} {
		t.Run(desktop, func(t *testing.T) {
			op, err := copyImage(t.Context(), sdk, desktop)
			if err != nil {
				t.Fatal(err)
			}
			if err := op.WaitInterval(t.Context(), time.Millisecond); status.Code(err) != want {
				t.Errorf("the operation ended with %v, want %v", err, want)
			}
			if !op.Done() {
				t.Error("Wait returned before the operation was done")
			}
		})
	}
}

// serviceAccount is credentials whose key signs a token for IamTokenService.
func serviceAccount(t *testing.T) ycsdk.Credentials {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := ycsdk.ServiceAccountKey(&iamkey.Key{
		Id:         "key-1",
		Subject:    &iamkey.Key_ServiceAccountId{ServiceAccountId: "account-1"},
		PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return credentials
}
