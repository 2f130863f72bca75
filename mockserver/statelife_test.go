package mockserver

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// lives are scenarios with everything that a server keeps count of.
func lives() []*optestv1.Scenario {
	quirks := func(s *optestv1.Scenario, probability float64, kinds ...optestv1.QuirkFault_Kind) *optestv1.Scenario {
		for _, kind := range kinds {
			s.Faults = append(s.Faults, quirkFault(kind, probability))
		}
		return s
	}
	sometimes := unavailable(optestv1.Fault_GET)
	sometimes.Probability = 0.4
	thrice := unavailable(optestv1.Fault_ANY)
	thrice.Every, thrice.Times = 2, 3
	twice := unavailable(optestv1.Fault_CREATE)
	twice.Times = 2
	lost := unavailable(optestv1.Fault_CREATE)
	lost.GetStatus().AfterCommit, lost.Calls = true, &optestv1.Range{From: 2, To: 3}
	late := &optestv1.Fault{On: optestv1.Fault_GET, Probability: 0.5, Effect: &optestv1.Fault_Delay{Delay: &optestv1.DelayFault{
		By: durationpb.New(time.Millisecond), Jitter: durationpb.New(3 * time.Second),
	}}}
	stale := &optestv1.Fault{On: optestv1.Fault_GET, Every: 3, Effect: &optestv1.Fault_Answer{Answer: &optestv1.AnswerFault{AsOf: durationpb.New(0)}}}
	other := &optestv1.Fault{On: optestv1.Fault_GET, Every: 2, Effect: &optestv1.Fault_Answer{Answer: &optestv1.AnswerFault{Copy: []string{"id", "metadata"}}}}
	reader := unavailable(optestv1.Fault_GET)
	reader.Reader, reader.Times = &optestv1.Reader{Connection: 1}, 2
	polled := &optestv1.Scenario{Name: "polled", Timeline: []*optestv1.Step{
		{When: &optestv1.Step_Poll{Poll: 1}, Progress: proto.Uint32(10), PollHint: proto.String("5")},
		{When: &optestv1.Step_At{At: durationpb.New(20 * time.Second)}, Description: proto.String("half way")},
		{When: &optestv1.Step_Poll{Poll: 4}, Effect: &optestv1.Step_Succeed{Succeed: &optestv1.Succeed{Response: &structpb.Struct{Fields: map[string]*structpb.Value{
			"description": structpb.NewStringValue("set"),
		}}}}},
	}}
	matched := matching("matched", "m*")
	matched.Match.Calls = &optestv1.Range{From: 2, To: 4}
	return []*optestv1.Scenario{
		polled,
		matched,
		Running(20 * time.Second).Named("sometimes").WithFault(sometimes).WithFault(late).Succeed(),
		Running(time.Minute).Named("counted").WithFault(thrice).WithFault(twice).WithFault(lost).Fail(codes.Aborted, "gone"),
		Running(10*time.Second).Named("rolling").CancelledAfter(5*time.Second).WithFault(reader).Failing(codes.Internal, "bad").RolledBackAfter(10 * time.Second),
		Running(time.Minute).Named("disguised").WithFault(stale).WithFault(other).Succeed(),
		quirks(Running(5*time.Second).Named("overwritten").Succeed(), 0, optestv1.QuirkFault_CANCEL_OVERWRITES, optestv1.QuirkFault_CANCEL_RESTARTS),
		quirks(Running(5*time.Second).Named("burnt").Succeed(), 0, optestv1.QuirkFault_KEY_BURNT, optestv1.QuirkFault_KEY_OF_ALL_METHODS),
		quirks(Running(5*time.Second).Named("loose").Succeed(), 0.3, optestv1.QuirkFault_KEY_IGNORED, optestv1.QuirkFault_ID_REUSED, optestv1.QuirkFault_LABELS_MERGED),
		quirks(Running(5*time.Second).Named("hidden").Fail(codes.Internal, "no"), 0.5, optestv1.QuirkFault_IMAGE_HIDDEN_UNTIL_DONE, optestv1.QuirkFault_IMAGE_LEFT_BY_FAILURE, optestv1.QuirkFault_ID_IS_SOURCE),
		quirks(Running(5*time.Second).Named("private").Succeed(), 0.5, optestv1.QuirkFault_STORE_PER_PROTOCOL, optestv1.QuirkFault_CANCEL_HITS_NEWEST),
		quirks(Running(5*time.Second).Named("doomed").Succeed(), 0, optestv1.QuirkFault_REFUSED_BY_OPERATION),
	}
}

func quirkFault(kind optestv1.QuirkFault_Kind, probability float64) *optestv1.Fault {
	return &optestv1.Fault{Probability: probability, Effect: &optestv1.Fault_Quirk{Quirk: &optestv1.QuirkFault{Kind: kind}}}
}

// injectable are faults to inject.
func injectable() []*optestv1.InjectRequest {
	drawn := unavailable(optestv1.Fault_GET)
	drawn.Probability = 0.3
	few := unavailable(optestv1.Fault_CREATE)
	few.Times, few.Every = 2, 3
	return []*optestv1.InjectRequest{
		{Fault: drawn},
		{Fault: few, Scenario: "sometimes"},
		{Fault: unavailable(optestv1.Fault_LIST)},
		{Fault: quirkFault(optestv1.QuirkFault_KEY_IGNORED, 0.5)},
		{Fault: quirkFault(optestv1.QuirkFault_IMAGE_LISTED_TWICE, 0.5), Scenario: "counted"},
	}
}

// world is a server and what its clients know.
type world struct {
	t      testing.TB
	server *Server
}

// deed is something that a client does, in numbers.
type deed struct{ what, which, how, more int }

func (d deed) String() string {
	return fmt.Sprintf("%s{%d %d %d}", deeds[d.what%len(deeds)].name, d.which, d.how, d.more)
}

func pick[T any](list []T, i int) T { return list[i%len(list)] }

// knowledge is what answers have told: ids of operations and images.
type knowledge struct{ operations, images []string }

var (
	operationIDs = regexp.MustCompile(`\bopr[0-9a-v]{17}\b`)
	imageIDs     = regexp.MustCompile(`"imageId": ?"([^"]+)"`)
)

func (k *knowledge) learn(answer string) {
	add := func(list []string, id string) []string {
		if slices.Contains(list, id) {
			return list
		}
		return append(list, id)
	}
	for _, id := range operationIDs.FindAllString(answer, -1) {
		k.operations = add(k.operations, id)
	}
	for _, m := range imageIDs.FindAllStringSubmatch(answer, -1) {
		k.images = add(k.images, m[1])
	}
}

func (k *knowledge) operation(i int) string { return recent(k.operations, i) }
func (k *knowledge) image(i int) string     { return recent(k.images, i) }

// recent is one of the last few, or one that nobody knows.
func recent(ids []string, i int) string {
	return pick(append([]string{"unknown"}, ids[max(0, len(ids)-6):]...), i)
}

const (
	desktopImageService = "/yandex.cloud.clouddesktop.v1.api.DesktopImageService/"
	operationService    = "/yandex.cloud.operation.OperationService/"
	controlPath         = "/optest.v1.ControlService/"
)

var desktopNames = []string{
	"polled", "m1", "m2", "sometimes", "counted", "rolling", "disguised", "overwritten", "burnt", "loose", "hidden", "private", "doomed",
	"overwritten", "private", "put", "slow-success", "quota-exceeded", "nobody",
}

// deeds are all that clients do. Those that begin with a capital are control
// calls.
var deeds = []struct {
	name string
	do   func(*world, *knowledge, deed) string
}{
	{"create", (*world).create},
	{"create", (*world).create},
	{"create", (*world).create},
	{"copy", func(w *world, k *knowledge, d deed) string {
		return w.rpc(desktopImageService+"Copy", &clouddesktop.CopyDesktopImageRequest{ImageId: k.image(d.which), FolderId: folderOf(d.how), Name: "copy"})
	}},
	{"update", func(w *world, k *knowledge, d deed) string {
		return w.rpc(desktopImageService+"Update", &clouddesktop.UpdateDesktopImageRequest{ImageId: k.image(d.which), Name: fmt.Sprintf("name-%d", d.how)}, keyHeader(d.more)...)
	}},
	{"delete", func(w *world, k *knowledge, d deed) string {
		return w.rpc(desktopImageService+"Delete", &clouddesktop.DeleteDesktopImageRequest{ImageId: k.image(d.which)}, keyHeader(d.more)...)
	}},
	{"poll", (*world).poll},
	{"poll", (*world).poll},
	{"poll", (*world).poll},
	{"cancel", (*world).cancel},
	{"cancel", (*world).cancel},
	{"image", func(w *world, k *knowledge, d deed) string {
		return w.rpc(desktopImageService+"Get", &clouddesktop.GetDesktopImageRequest{ImageId: k.image(d.which)})
	}},
	{"images", func(w *world, _ *knowledge, d deed) string {
		return w.rpc(desktopImageService+"List", &clouddesktop.ListDesktopImagesRequest{FolderId: pick([]string{"f1", "f2", defaultFolder}, d.which)})
	}},
	{"desktop", func(w *world, _ *knowledge, _ deed) string {
		return w.rpc("/yandex.cloud.clouddesktop.v1.api.DesktopService/Create", &clouddesktop.CreateDesktopRequest{
			DesktopGroupId: "slow-success", SubnetId: "subnet", Users: []*clouddesktop.User{{SubjectId: "u", SubjectType: "userAccount"}},
		})
	}},
	{"Operations", func(w *world, _ *knowledge, _ deed) string {
		return w.rpc(controlPath+"ListOperations", &optestv1.ListOperationsRequest{})
	}},
	{"Scenarios", func(w *world, _ *knowledge, _ deed) string {
		return w.rpc(controlPath+"ListScenarios", &optestv1.ListScenariosRequest{})
	}},
	{"Clock", func(w *world, _ *knowledge, d deed) string {
		return w.rpc(controlPath+"SetClock", &optestv1.SetClockRequest{
			Advance: durationpb.New(time.Duration(d.which) * time.Second), Speed: pick([]float64{0, 0, 1, 3}, d.how),
		})
	}},
	{"Play", func(w *world, _ *knowledge, d deed) string {
		req := &optestv1.PlayRequest{}
		switch d.how % 4 {
		case 0:
			req.Name = pick(desktopNames, d.which)
		case 1:
			req.Scenario = pick(lives(), d.which)
		case 2:
			req.Script = []string{pick(desktopNames, d.which), pick(desktopNames, d.more)}
		}
		return w.rpc(controlPath+"Play", req)
	}},
	{"Put", func(w *world, _ *knowledge, d deed) string {
		put := proto.CloneOf(pick(lives(), d.which))
		if d.how%2 == 0 {
			put.Name = "put"
		}
		return w.rpc(controlPath+"PutScenarios", &optestv1.PutScenariosRequest{Scenarios: []*optestv1.Scenario{put}})
	}},
	{"Drop", func(w *world, _ *knowledge, d deed) string {
		return w.rpc(controlPath+"DeleteScenario", &optestv1.DeleteScenarioRequest{Name: pick(desktopNames, d.which)})
	}},
	{"Inject", func(w *world, k *knowledge, d deed) string {
		req := pick(injectable(), d.which)
		if d.how%3 == 0 && req.GetFault().GetQuirk() == nil {
			req.OperationId = k.operation(d.more)
		}
		return w.rpc(controlPath+"Inject", req)
	}},
	{"Reset", func(w *world, _ *knowledge, d deed) string {
		return w.rpc(controlPath+"Reset", &optestv1.ResetRequest{
			Scope:    pick([]optestv1.ResetRequest_Scope{optestv1.ResetRequest_OPERATIONS, optestv1.ResetRequest_COUNTERS, optestv1.ResetRequest_FAULTS}, d.how),
			Scenario: pick(desktopNames, d.which),
		})
	}},
	{"Replace", func(w *world, _ *knowledge, d deed) string {
		all := lives() // of which the first is the default
		return fmt.Sprint(w.server.Replace(slices.Concat(all[:1], all[1+d.which%4:len(all)-d.how%4])...))
	}},
}

func folderOf(i int) string { return pick([]string{"", "f1", "f2"}, i) }

func keyHeader(i int) []string {
	key := pick([]string{"", key1, key2}, i)
	if key == "" {
		return nil
	}
	return []string{"Idempotency-Key", key}
}

func (w *world) create(_ *knowledge, d deed) string {
	req := &clouddesktop.CopyFromDesktopRequest{DesktopId: pick(desktopNames, d.which), FolderId: folderOf(d.how), Name: fmt.Sprintf("image-%d", d.more)}
	if d.more%5 == 0 {
		req.Labels = map[string]string{"nr": fmt.Sprint(d.more)}
	}
	if d.more%7 == 0 {
		req.Name = strings.Repeat("n", 51) // refused, unless a quirk has it otherwise
	}
	if d.how%4 == 0 {
		return w.post("/cloud-desktop/v1/images:copyFromDesktop", req, keyHeader(d.more)...)
	}
	return w.rpc(desktopImageService+"CopyFromDesktop", req, keyHeader(d.more)...)
}

func (w *world) poll(k *knowledge, d deed) string {
	if d.how%4 == 0 {
		return w.send(http.MethodGet, "/operations/"+k.operation(d.which), nil)
	}
	return w.rpc(operationService+"Get", &operation.GetOperationRequest{OperationId: k.operation(d.which)})
}

func (w *world) cancel(k *knowledge, d deed) string {
	return w.rpc(operationService+"Cancel", &operation.CancelOperationRequest{OperationId: k.operation(d.which)})
}

// rpc makes a call by Connect, in JSON.
func (w *world) rpc(procedure string, req proto.Message, header ...string) string {
	return w.post(procedure, req, header...)
}

func (w *world) post(path string, req proto.Message, header ...string) string {
	body, err := protojson.Marshal(req)
	if err != nil {
		return err.Error()
	}
	return w.send(http.MethodPost, path, body, header...)
}

// send returns everything of the answer but when it was sent.
func (w *world) send(method, path string, body []byte, header ...string) string {
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL()+path, bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Accept-Encoding", "identity") // spare the time
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := w.server.Client().Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	var b strings.Builder
	fmt.Fprintln(&b, resp.Status, err)
	for _, name := range slices.Sorted(maps.Keys(resp.Header)) {
		if name != "Date" {
			fmt.Fprintln(&b, name, resp.Header[name])
		}
	}
	return b.String() + string(answer)
}

// together has all servers do the same at the same time: a fault may delay them.
func together(worlds []*world, do func(*world) string) []string {
	answers := make([]string, len(worlds))
	var work sync.WaitGroup
	for i, w := range worlds {
		work.Go(func() { answers[i] = do(w) })
	}
	work.Wait()
	return answers
}

// save returns the state by Connect in one of its codecs, decoded.
func (w *world) save(codec string) (*optestv1.SessionState, error) {
	response := &optestv1.SaveStateResponse{}
	if err := w.control(codec, "SaveState", &optestv1.SaveStateRequest{}, response); err != nil {
		return nil, err
	}
	return response.GetState(), nil
}

func (w *world) load(codec string, state *optestv1.SessionState) error {
	return w.control(codec, "LoadState", &optestv1.LoadStateRequest{State: state}, &optestv1.LoadStateResponse{})
}

func (w *world) control(codec, method string, req, response proto.Message) error {
	marshal, unmarshal := proto.Marshal, proto.Unmarshal
	if codec == "json" {
		marshal, unmarshal = protojson.Marshal, protojson.Unmarshal
	}
	body, err := marshal(req)
	if err != nil {
		return err
	}
	resp, err := w.server.Client().Post(w.server.URL()+controlPath+method, "application/"+codec, bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return unmarshal(answer, response)
}

// fieldsIn adds the names of all fields that a state has, `Message.field`, for the
// messages that are the state's own.
func fieldsIn(m protoreflect.Message, names map[string]bool) {
	if !strings.HasPrefix(string(m.Descriptor().Name()), "Saved") && m.Descriptor().Name() != "SessionState" && m.Descriptor().Name() != "FaultCount" {
		return
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		names[string(m.Descriptor().Name())+"."+string(f.Name())] = true
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				fieldsIn(v.List().Get(i).Message(), names)
			}
		default:
			fieldsIn(v.Message(), names)
		}
		return true
	})
}
