package trace

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
	"pgregory.net/rapid"
)

const (
	jwt = "eyJhbGciOiJQUzI1NiJ9.eyJpc3MiOiJhamUifQ.c2lnbmF0dXJl"
	iam = "t1.9euelZqMyseMk4_Oz5mPk5jJkovGi-3rnpWaz8-PxoycipTHz82Vkp.9XMuM3bDDa"
)

func TestSecretsAreTakenOut(t *testing.T) {
	packed := base64.StdEncoding.EncodeToString([]byte("\x00\x01Bearer abcdefghijkl"))
	for _, tt := range []struct{ name, value string }{
		{"Authorization", "Bearer x"},
		{"authorization-bin", "\x00x"},
		{"Cookie", "a=b"},
		{"Set-Cookie", "session=1"},
		{"proxy-authorization", "Basic Zm9v"},
		{"X-YaCloud-SubjectToken", "x"},
		{"x-yacloud-subjecttoken-bin", "x"},
		{"X-Api-Key", "x"},
		{"x-mine", "x"},
		{"X-Mine-Bin", "x"},
		{"x-forwarded-for-whom", "BEARER abcdefghijkl"},
		{"x-proxied", "a, basic Zm9vOmJhcg=="},
		{"x-context", "user " + jwt},
		{"x-other", iam},
		{"x-packed-bin", packed},
		{"x-packed-bin", strings.TrimRight(packed, "=")},
		{"x-unpacked-bin", "\x00\x01 " + iam},
	} {
		list := NewRedactor("X-Mine").Append(nil, tt.name, tt.value)
		if want := (Field{strings.ToLower(tt.name), Redacted}); list[0] != want {
			t.Errorf("got %v, want %v", list[0], want)
		}
	}
}

func TestOtherHeadersStay(t *testing.T) {
	for _, f := range []Field{
		{"idempotency-key", "8f14e45f-ceea-467f-a5ee-9b1d3c0a2c11"},
		{"x-operation-poll-interval", "5"},
		{"content-type", "application/grpc+proto"},
		{"grpc-message", "the bearer of this token must not be a basic type"},
		{"www-authenticate", `Basic realm="x"`},
		{"user-agent", "yandex-cloud-sdk/2.1 grpc-go/1.85.0 eyJ.t1."},
		{"grpc-status-details-bin", "CAUSBnF1b3RhIQ"},
		{"x-mine", "not on this list"},
		{"x-request-id", "t1.short"},
	} {
		var r *Redactor // none is needed
		if list := r.Append(nil, f.Name, f.Value); list[0] != f {
			t.Errorf("got %v, want %v", list[0], f)
		}
	}
}

func TestMapsAreInOrder(t *testing.T) {
	want := Fields{{"a", "1"}, {"a", "2"}, {"authorization", Redacted}, {"b", "3"}}
	for _, header := range []map[string][]string{
		http.Header{"B": {"3"}, "A": {"1", "2"}, "Authorization": {"x"}},
		metadata.MD{"b": {"3"}, "a": {"1", "2"}, "authorization": {"x"}},
	} {
		if got := (&Redactor{}).AppendMap(nil, header); !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

func TestTargets(t *testing.T) {
	r := NewRedactor("my_key")
	for target, want := range map[string]string{
		"/operations/fv4:cancel":            "/operations/fv4:cancel",
		"/images?folderId=b1g&pageSize=100": "/images?folderId=b1g&pageSize=100",
		"/x?access_token=1&a=2":             "/x?access_token=(redacted)&a=2",
		"/x?%61ccess%5Ftoken=1":             "/x?%61ccess%5Ftoken=(redacted)",
		"/x?api_key=1":                      "/x?api_key=(redacted)",
		"/x?MY_KEY=1":                       "/x?MY_KEY=(redacted)",
		"/x?q=" + jwt:                       "/x?q=(redacted)",
		"/x?%zz=1&&b":                       "/x?%zz=1&&b",
	} {
		if got := r.Target(target); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
	if !r.Withholds("yandex.cloud.iam.v1.IamTokenService/Create") || r.Withholds("yandex.cloud.operation.OperationService/Get") {
		t.Error("want the messages of the token service withheld, and no others")
	}
}

// Whatever stands around a token, its value does not get through.
func TestTokensDoNotGetThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		around := rapid.StringMatching(`[ ,;:"a-z]{0,9}`)
		secret := rapid.SampledFrom([]string{"Bearer " + jwt, jwt, iam, "bearer   abcdefghijklmnop"}).Draw(t, "secret")
		before, after := around.Draw(t, "before"), around.Draw(t, "after")
		if before != "" && !strings.ContainsAny(before[len(before)-1:], ` ,;:"`) {
			before += " "
		}
		list := (*Redactor)(nil).Append(nil, "x-any", before+secret+" "+after)
		if list[0].Value != Redacted {
			t.Fatalf("got %q", list[0].Value)
		}
	})
}

func TestFields(t *testing.T) {
	list := Fields{{"a", "1"}, {"b", "2"}, {"a", "3"}}
	if v, ok := list.Get("a"); !ok || v != "1" {
		t.Errorf("got %q, want the first", v)
	}
	if _, ok := list.Get("A"); ok {
		t.Error("names are in lower case, got one in upper case")
	}
	var all []string
	for v := range list.Values("a") {
		all = append(all, v)
	}
	if strings.Join(all, " ") != "1 3" {
		t.Errorf("got %v, want 1 and 3", all)
	}
	for range list.Values("a") {
		break
	}
}
