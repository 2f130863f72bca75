package conformance_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
	"github.com/optest-dev/optest/trace"
)

// changedFiles are those that are linked in, the one of the service changed.
func changedFiles(t *testing.T, change func(*descriptorpb.FileDescriptorProto)) *protoregistry.Files {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		p := protodesc.ToFileDescriptorProto(f)
		if f == clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto {
			change(p)
		}
		set.File = append(set.File, p)
		return true
	})
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// showing has a server serve reflection of such files.
func showing(files *protoregistry.Files) func(*grpc.Server) {
	return func(s *grpc.Server) {
		(&exampleserver.Server{}).Register(s)
		reflectionpb.RegisterServerReflectionServer(s, reflection.NewServerV1(reflection.ServerOptions{Services: s, DescriptorResolver: files}))
	}
}

// streams has whatever is a stream, as reflection is, handled by the function.
func streams(handle func(grpc.ServerStream) error) grpc.ServerOption {
	return grpc.StreamInterceptor(func(_ any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
		return handle(stream)
	})
}

// reflecting checks a server of grpc-go in virtual time. Without desktops, little
// is done besides.
func reflecting(t *testing.T, desktops conformance.Desktops, register func(*grpc.Server), opts ...grpc.ServerOption) *conformance.Report {
	t.Helper()
	var r *conformance.Report
	synctest.Test(t, func(t *testing.T) {
		var err error
		r, err = conformance.Check(t.Context(), conformance.Target{
			Dial: overGRPC(t, register, opts...), Folder: "b1gexample0000000000", Desktops: desktops,
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	return r
}

// asWithout fails the test unless a run has come to what it would have without
// reflection.
func asWithout(t *testing.T, r, without *conformance.Report) {
	t.Helper()
	if r.Verdict != without.Verdict || r.Reason != without.Reason {
		t.Errorf("report %v, want %v", r, without)
	}
	for i, one := range r.Rules {
		if want := without.Rules[i].Verdict; one.Verdict != want {
			t.Errorf("rule %s %v, want %v", one.ID, one.Verdict, want)
		}
	}
}

func TestReflectionIsLookedAt(t *testing.T) {
	r := reflecting(t, conformance.Desktops{}, func(s *grpc.Server) {
		(&exampleserver.Server{}).Register(s)
		reflection.Register(s)
	})
	healthy(t, r)
	if one := r.Rule("CON-02"); one.Verdict != conformance.Passed || one.Exercised < 15 {
		t.Errorf("rule CON-02 %v, exercised %d times, want it passed by every method and message", one.Verdict, one.Exercised)
	}
	if slices.ContainsFunc(r.Events, func(e *trace.Event) bool { return strings.Contains(e.Method, "eflection") }) {
		t.Error("calls of reflection are events, want none")
	}
}

func TestReflectionThatShowsAnotherContract(t *testing.T) {
	swapped := reflecting(t, conformance.Desktops{}, showing(changedFiles(t, func(f *descriptorpb.FileDescriptorProto) {
		for _, m := range f.MessageType {
			if m.GetName() == "UpdateDesktopImageRequest" {
				m.Field[0].Number, m.Field[1].Number = m.Field[1].Number, m.Field[0].Number
			}
		}
	})))
	healthy(t, swapped, "CON-02")
	if one := swapped.Rule("CON-02"); one.Verdict != conformance.Warned || one.Warnings != 2 || !strings.Contains(one.Findings[0].Text, "UpdateDesktopImageRequest") {
		t.Errorf("rule CON-02 %v with %v, want warnings of two numbers", one.Verdict, one.Findings)
	}
	dangling := reflecting(t, conformance.Desktops{}, showing(changedFiles(t, func(f *descriptorpb.FileDescriptorProto) {
		for _, m := range f.Service[0].Method {
			if m.GetName() == "CopyFromDesktop" {
				m.Options = proto.CloneOf(m.GetOptions())
				proto.SetExtension(m.GetOptions(), api.E_Operation, &api.Operation{Metadata: "CopyFromDesktopMetadata", Response: "DiskImage"})
			}
		}
	})))
	healthy(t, dangling, "CON-01")
	one := dangling.Rule("CON-01")
	if one.Verdict != conformance.Failed || !strings.Contains(one.Findings[0].Text, `"DiskImage"`) || dangling.Verdict != conformance.NotConformant {
		t.Errorf("%v, rule CON-01 %v with %v, want it failed by DiskImage", dangling, one.Verdict, one.Findings)
	}
	for form, write := range map[string]func(*strings.Builder) error{
		"text":  func(b *strings.Builder) error { return dangling.WriteText(b) },
		"JSON":  func(b *strings.Builder) error { return dangling.WriteJSON(b) },
		"JUnit": func(b *strings.Builder) error { return dangling.WriteJUnit(b) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil || !strings.Contains(b.String(), "DiskImage") {
			t.Errorf("%s: %v with %d bytes, want what is wrong in it", form, err, b.Len())
		}
	}
}

func TestReflectionThatIsOfNoUseChangesNothing(t *testing.T) {
	desktops := conformance.Desktops{Succeeds: exampleserver.Works}
	without := reflecting(t, desktops, serving(&exampleserver.Server{}))
	if one := without.Rule("CON-02"); one.Verdict != conformance.NotExercised || !strings.Contains(one.Reason, "no reflection") {
		t.Errorf("rule CON-02 %v: %q, want it not exercised for lack of reflection", one.Verdict, one.Reason)
	}
	for _, test := range []struct {
		name   string
		handle func(grpc.ServerStream) error
		takes  time.Duration
		says   string
	}{
		{"hangs", func(s grpc.ServerStream) error { <-s.Context().Done(); return nil }, 5 * time.Second, "not told in 5s"},
		{"answers with garbage", func(s grpc.ServerStream) error {
			return s.SendMsg(&api.Operation{Response: "nonsense", Metadata: "nonsense"})
		}, 0, "can't be used"},
		{"answers without end", func(s grpc.ServerStream) error {
			for {
				if err := s.SendMsg(&api.Operation{Response: strings.Repeat("x", 1<<20)}); err != nil {
					return err
				}
			}
		}, 0, "no more than"},
		{"is not for everybody", func(grpc.ServerStream) error { return status.Error(codes.PermissionDenied, "not for you") }, 0, "not for you"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := reflecting(t, desktops, showing(changedFiles(t, func(*descriptorpb.FileDescriptorProto) {})), streams(test.handle))
			asWithout(t, r, without)
			if one := r.Rule("CON-02"); !strings.Contains(one.Reason, test.says) {
				t.Errorf("rule CON-02 not exercised because %q, want %q", one.Reason, test.says)
			}
			if took := r.Used.Elapsed - without.Used.Elapsed; took > test.takes+time.Second {
				t.Errorf("run took %v longer, want at most %v", took, test.takes)
			}
		})
	}
}
