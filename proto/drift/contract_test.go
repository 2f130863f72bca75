package drift

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	_ "google.golang.org/genproto/googleapis/rpc/code"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const goGenproto = "github.com/yandex-cloud/go-genproto"

// TestContractHoldsInGoGenproto is the drift report: run it with -v to see additions too. At the version that go.mod requires
// nothing may differ. At another one, chosen with -modfile, go-genproto may say more than we do, not otherwise.
func TestContractHoldsInGoGenproto(t *testing.T) {
	required := requiredVersion(t)
	linked := linkedVersion(t, required)
	found, err := Against(protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("go-genproto %s linked, %s required: %d differences", linked, required, len(found))
	for _, d := range found {
		if linked == required || d.Breaking() {
			t.Errorf("%s (%s)", d, d.Kind)
		} else {
			t.Logf("%s (%s)", d, d.Kind)
		}
	}
}

// TestContractIsWhole guards against a report that finds nothing because it looks at nothing.
func TestContractIsWhole(t *testing.T) {
	files, err := Contract()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"google/api/annotations.proto",
		"google/api/http.proto",
		"google/rpc/code.proto",
		"google/rpc/status.proto",
		"yandex/cloud/api/operation.proto",
		"yandex/cloud/clouddesktop/v1/desktop_image.proto",
		"yandex/cloud/clouddesktop/v1/desktop_image_service.proto",
		"yandex/cloud/endpoint/api_endpoint.proto",
		"yandex/cloud/endpoint/api_endpoint_service.proto",
		"yandex/cloud/iam/v1/iam_token_service.proto",
		"yandex/cloud/operation/operation.proto",
		"yandex/cloud/operation/operation_service.proto",
		"yandex/cloud/validation.proto",
	} {
		if _, err := files.FindFileByPath(path); err != nil {
			t.Errorf("contract.binpb lacks %s, want it there, run make generate: %v", path, err)
		}
	}
}

func TestAgainstReportsMissingFiles(t *testing.T) {
	found, err := Against(new(protoregistry.Files))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Contract()
	if err != nil {
		t.Fatal(err)
	}
	builtin := 0
	for _, path := range []string{"any", "descriptor", "field_mask", "timestamp"} {
		if _, err := files.FindFileByPath("google/protobuf/" + path + ".proto"); err == nil {
			builtin++
		}
	}
	if got, want := len(found), files.NumFiles()-builtin; got != want || builtin != 4 {
		t.Fatalf("differences from an empty registry: got %d of %d files with %d built in, want %d with 4", got, files.NumFiles(), builtin, want)
	}
	if got, want := found[0].String(), "google/api/annotations.proto: ours present, go-genproto's absent"; got != want || !found[0].Breaking() {
		t.Errorf("first difference: got %q, want %q, breaking", got, want)
	}
}

func requiredVersion(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == goGenproto {
			return fields[1]
		}
	}
	t.Fatalf("go.mod requires no %s, want it there", goGenproto)
	return ""
}

// linkedVersion reads the version out of the path of a linked source file, with or without -trimpath: the build information
// of a library's test binary names no dependencies. A vendored or replaced module has none in its path, and counts as the
// required one.
func linkedVersion(t *testing.T, required string) string {
	t.Helper()
	pc := reflect.ValueOf((*operation.Operation).GetId).Pointer()
	file, _ := runtime.FuncForPC(pc).FileLine(pc)
	_, after, found := strings.Cut(filepath.ToSlash(file), goGenproto+"@")
	if !found {
		return required
	}
	version, _, _ := strings.Cut(after, "/")
	return version
}
