package mockserver_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const (
	updateMethod = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Update"
	deleteMethod = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Delete"
	copyPath     = "/cloud-desktop/v1/images:copyFromDesktop"
)

// copy starts an operation with a request of one's own.
func (w *watcher) copy(req *clouddesktop.CopyFromDesktopRequest, header ...string) sighting {
	w.t.Helper()
	began := time.Now()
	s := w.call(copyMethod, req, &operation.Operation{}, header...)
	if s.err == nil {
		w.note(s.operation(), began)
	}
	return s
}

// note takes the operation for the latest.
func (w *watcher) note(op *operation.Operation, began time.Time) {
	w.began, w.id = began, op.GetId()
	var m clouddesktop.CopyFromDesktopMetadata
	if proto.Unmarshal(op.GetMetadata().GetValue(), &m) == nil {
		w.image = m.GetImageId()
	}
}

// again is another client of the same server.
func (w *watcher) again() *watcher {
	other := *w
	other.connect()
	return &other
}

// of has an operation made with a request, and looks at it when it is done.
func of(l look, requests ...*clouddesktop.CopyFromDesktopRequest) see {
	return func(w *watcher) string {
		for _, req := range requests {
			if s := w.copy(req); s.err != nil {
				return refusal(s)
			}
		}
		w.until(20)
		return l(w.poll())
	}
}

// asked is how the server answers a request.
func asked(l look, requests ...*clouddesktop.CopyFromDesktopRequest) see {
	return func(w *watcher) string {
		var list []string
		for _, req := range requests {
			list = append(list, l(w.copy(req)))
		}
		return fmt.Sprintf("%s; images: %d", w.joined(list), w.images())
	}
}

func desk(change func(*clouddesktop.CopyFromDesktopRequest)) *clouddesktop.CopyFromDesktopRequest {
	req := &clouddesktop.CopyFromDesktopRequest{FolderId: folder, Name: "image", DesktopId: "desktop"}
	change(req)
	return req
}

func called(name string) *clouddesktop.CopyFromDesktopRequest {
	return desk(func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = name })
}

func labelled(labels map[string]string) *clouddesktop.CopyFromDesktopRequest {
	return desk(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labels })
}

func described(n int) *clouddesktop.CopyFromDesktopRequest {
	return desk(func(r *clouddesktop.CopyFromDesktopRequest) { r.Description = strings.Repeat("d", n) })
}

func nLabels(n int) map[string]string {
	labels := map[string]string{}
	for i := range n {
		labels[fmt.Sprintf("l%d", i)] = ""
	}
	return labels
}

// withUnknown adds fields that the message type does not have.
func withUnknown(fields map[protowire.Number]string) *clouddesktop.CopyFromDesktopRequest {
	return desk(func(r *clouddesktop.CopyFromDesktopRequest) {
		var raw []byte
		for _, n := range slices.Sorted(maps.Keys(fields)) {
			raw = protowire.AppendString(protowire.AppendTag(raw, n, protowire.BytesType), fields[n])
		}
		r.ProtoReflect().SetUnknown(raw)
	})
}

// imageAt is the image's status at ages of the operation, and how often the
// folder lists it.
func imageAt(ages ...int) see {
	return func(w *watcher) string {
		w.started()
		return w.imageAt(ages)
	}
}

func (w *watcher) imageAt(ages []int) string {
	var list []string
	for _, age := range ages {
		w.until(age)
		image := &clouddesktop.DesktopImage{}
		s := w.call(imageMethod, &clouddesktop.GetDesktopImageRequest{ImageId: w.image}, image)
		text := codeOf(s)
		if s.err == nil {
			text = image.GetStatus().String()
		}
		list = append(list, fmt.Sprintf("%s and listed %d x", text, w.listed(folder)))
	}
	return "image " + w.joined(list)
}

// listed is how often a folder lists the latest image.
func (w *watcher) listed(in string) int {
	w.t.Helper()
	list := &clouddesktop.ListDesktopImagesResponse{}
	if s := w.call(listMethod, &clouddesktop.ListDesktopImagesRequest{FolderId: in}, list); s.err != nil {
		w.t.Fatal(s.err)
	}
	n := 0
	for _, image := range list.GetDesktopImages() {
		if image.GetId() == w.image {
			n++
		}
	}
	return n
}

// twoReaders polls over two connections in turn.
func twoReaders(l look, ages ...int) see {
	return func(w *watcher) string {
		w.started()
		second := w.again()
		var list []string
		for _, age := range ages {
			w.until(age)
			first := l(w.poll())
			list = append(list, first+" | "+l(second.poll()))
		}
		return w.joined(list)
	}
}

// counted is how many of n polls of the done operation show each result.
func counted(n int) see {
	return func(w *watcher) string {
		w.started()
		w.until(20)
		seen := map[string]int{}
		for range n {
			seen[result(w.poll())]++
		}
		few := seen["running"] > 0 && seen["running"] < n/4
		return fmt.Sprintf("few of %d polls are running: %v", n, few)
	}
}

// cancelledTwice looks at the second of two Cancels, and at polls after it.
func cancelledTwice(l look, ages ...int) see {
	return func(w *watcher) string {
		w.started()
		w.until(10)
		text := "first " + l(w.cancel())
		w.until(20)
		return text + ", second " + l(w.cancel()) + "; then " + w.polls(result, ages)
	}
}

// cancelledAfter looks at a Cancel of an operation that is done.
func cancelledAfter(w *watcher) string {
	w.started()
	w.until(20)
	text := result(w.poll()) + "; Cancel " + result(w.cancel())
	return text + "; then " + w.polls(result, []int{30})
}

// cancelledImage is the image after a Cancel.
func cancelledImage(w *watcher) string {
	w.started()
	w.until(10)
	return "Cancel " + result(w.cancel()) + "; " + w.imageAt([]int{11})
}

// crossed cancels the first of two operations.
func crossed(w *watcher) string {
	w.started()
	first := *w
	w.started()
	answer := first.cancel()
	return fmt.Sprintf("Cancel of A: %s; A: %s, B: %s", result(answer), result(first.poll()), result(w.poll()))
}

// strange asks for operations that nobody has created.
func strange(l look) see {
	return func(w *watcher) string {
		w.id = "nobody"
		return "Get " + l(w.poll()) + ", Cancel " + l(w.cancel())
	}
}

// wrongly is a poll of an id that is not known, whose text comes back in the
// error's message.
func wrongly(l look, id string) see {
	return func(w *watcher) string {
		w.id = id
		return l(w.poll())
	}
}

// bare makes a call over HTTP with nothing added.
func (w *watcher) bare(verb, path, body string, header map[string]string) (sighting, http.Header) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), verb, w.srv.URL()+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := w.srv.Client().Do(req)
	if err != nil {
		return sighting{w: w, err: err}, nil
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	all := resp.Header.Clone()
	maps.Copy(all, resp.Trailer)
	return sighting{w: w, err: err, rest: &restAnswer{resp.StatusCode, resp.Header.Get("Content-Type"), answer}}, all
}

// enveloped is a message as gRPC and gRPC-Web send it.
func enveloped(m proto.Message) string {
	raw, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(raw))), raw...))
}

// web is a poll over gRPC-Web: the flags of the messages and the text of the
// last, if it is no message of the method.
func (w *watcher) web() string {
	s, _ := w.bare(http.MethodPost, "/"+getMethod, enveloped(&operation.GetOperationRequest{OperationId: w.id}), map[string]string{"Content-Type": "application/grpc-web+proto"})
	if s.err != nil {
		return s.err.Error()
	}
	text := fmt.Sprintf("%d", s.rest.status)
	const prefix = 5
	for body := s.rest.body; len(body) >= prefix; {
		size := int(binary.BigEndian.Uint32(body[1:prefix]))
		text += fmt.Sprintf(" 0x%02x", body[0])
		if body[0]&0x80 != 0 {
			text += fmt.Sprintf(" %q", body[prefix:prefix+size])
		}
		body = body[prefix+size:]
	}
	return text
}

func overWeb(ages ...int) see {
	return func(w *watcher) string {
		w.started()
		var list []string
		for _, age := range ages {
			w.until(age)
			list = append(list, w.web())
		}
		return "gRPC-Web " + w.joined(list)
	}
}

// connectJSON is a call over Connect in JSON.
func (w *watcher) connectJSON(method, body string) string {
	s, _ := w.bare(http.MethodPost, "/"+method, body, map[string]string{"Content-Type": "application/json"})
	return "Connect " + w.plainly(s)
}

// overHTTP is one request over REST.
func overHTTP(verb, path, body string) see {
	return func(w *watcher) string { return "REST " + w.plainly(w.rest(verb, path, body)) }
}

func restGet(path string) see { return overHTTP(http.MethodGet, path, "") }

// race makes calls at the same time, and counts the operations and images.
func race(n int) see {
	return func(w *watcher) string {
		var mu sync.Mutex
		ids := map[string]bool{}
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				op := &operation.Operation{}
				// Not by call: it waits until all goroutines rest.
				if err := w.conn.Invoke(metadata.AppendToOutgoingContext(w.t.Context(), keyed(key)...), "/"+copyMethod, called("image"), op); err != nil {
					w.t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[op.GetId()] = true
			})
		}
		wg.Wait()
		return fmt.Sprintf("%d operations and %d images of %d calls with one key", len(ids), w.images(), n)
	}
}

// sameKey makes two calls with these keys, "" for none, and compares the ids.
func sameKey(first, second string, requests ...*clouddesktop.CopyFromDesktopRequest) see {
	return func(w *watcher) string {
		one := w.copy(requests[0], keyed(first)...)
		id := w.id
		two := w.copy(requests[len(requests)-1], keyed(second)...)
		return fmt.Sprintf("%s, %s, one operation: %v; images: %d", codeOf(one), codeOf(two), id == w.id && two.err == nil, w.images())
	}
}

func keyed(key string) []string {
	if key == "" {
		return nil
	}
	return []string{"idempotency-key", key}
}

// oldAnswer repeats a call with its key when the operation is done.
func oldAnswer(w *watcher) string {
	began := time.Now()
	if s := w.create(keyed(key)...); s.err != nil {
		w.t.Fatal(s.err)
	}
	w.until(20)
	text := "Get " + result(w.poll())
	s := w.create(keyed(key)...)
	w.began = began
	return text + ", the same call again " + result(s)
}

// burnt sends a request that is refused, and then a right one with its key.
func burnt(w *watcher) string {
	return "refused " + refusal(w.copy(&clouddesktop.CopyFromDesktopRequest{}, keyed(key)...)) +
		", then " + refusal(w.copy(called("image"), keyed(key)...))
}

// keyOfDelete uses the key of a copy for a Delete.
func keyOfDelete(w *watcher) string {
	if s := w.create(keyed(key)...); s.err != nil {
		w.t.Fatal(s.err)
	}
	w.until(20)
	s := w.call(deleteMethod, &clouddesktop.DeleteDesktopImageRequest{ImageId: w.image}, &operation.Operation{}, keyed(key)...)
	return fmt.Sprintf("Delete %s, the operation of the copy: %v", codeOf(s), s.operation().GetId() == w.id)
}

// swapped updates an image.
func swapped(w *watcher) string {
	w.started()
	w.until(20)
	s := w.call(updateMethod, &clouddesktop.UpdateDesktopImageRequest{
		ImageId: w.image, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}, Name: "renamed",
	}, &operation.Operation{})
	image := &clouddesktop.DesktopImage{}
	w.call(imageMethod, &clouddesktop.GetDesktopImageRequest{ImageId: w.image}, image)
	return fmt.Sprintf("Update %v, the image is named %s", s.err == nil, image.GetName())
}

// badText sends a name that is not UTF-8, which only raw bytes can.
func badText(w *watcher) string {
	raw := protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), folder)
	raw = protowire.AppendString(protowire.AppendTag(raw, 8, protowire.BytesType), "desktop")
	raw = protowire.AppendBytes(protowire.AppendTag(raw, 4, protowire.BytesType), []byte{'a', 0xff})
	body := string(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(raw))), raw...))
	_, all := w.bare(http.MethodPost, "/"+copyMethod, body, map[string]string{"Content-Type": "application/grpc+proto", "Te": "trailers"})
	return fmt.Sprintf("grpc-status %s; images: %d", all.Get("Grpc-Status"), w.images())
}

// late is a poll with a deadline that the client itself does not keep.
func late(w *watcher) string {
	w.started()
	began := time.Now()
	_, all := w.bare(http.MethodPost, "/"+getMethod, enveloped(&operation.GetOperationRequest{OperationId: w.id}),
		map[string]string{"Content-Type": "application/grpc+proto", "Te": "trailers", "Grpc-Timeout": "2S"})
	return fmt.Sprintf("deadline 2s, grpc-status %s after %s", all.Get("Grpc-Status"), seconds(time.Since(began)))
}

// tokens calls a server that requires one, with none, with another and with it.
func tokens(w *watcher) string {
	as := func(token string) []string { return []string{"authorization", "Bearer " + token} }
	text := "without " + codeOf(w.create())
	w.copy(called("image"), as("secret")...)
	get := func(header ...string) string {
		return codeOf(w.call(getMethod, &operation.GetOperationRequest{OperationId: w.id}, &operation.Operation{}, header...))
	}
	return text + ", Get without " + get() + ", with another's " + get(as("another's")...) + ", with the right one " + get(as("secret")...)
}

// callers polls with two tokens.
func callers(w *watcher) string {
	if s := w.create("authorization", "Bearer a"); s.err != nil {
		w.t.Fatal(s.err)
	}
	get := func(token string) string {
		return creator(w.call(getMethod, &operation.GetOperationRequest{OperationId: w.id}, &operation.Operation{}, "authorization", "Bearer "+token))
	}
	a, b, again := get("a"), get("b"), get("a")
	return fmt.Sprintf("the same for the same caller: %v, for another: %v", a == again, a == b)
}

// jsonPolls looks at the operation over REST and over Connect in JSON.
func jsonPolls(l look, age int, req *clouddesktop.CopyFromDesktopRequest) see {
	return func(w *watcher) string {
		if s := w.copy(req); s.err != nil {
			w.t.Fatal(s.err)
		}
		w.until(age)
		s, _ := w.bare(http.MethodPost, "/"+getMethod, `{"operationId": "`+w.id+`"}`, map[string]string{"Content-Type": "application/json"})
		return "REST " + l(w.restPoll()) + "; Connect " + l(s)
	}
}

// escaped reads a path with an escaped character after the id, and the operation
// after it.
func escaped(w *watcher) string {
	w.started()
	slash := w.rest(http.MethodGet, "/operations/"+w.id+"%2Fb", "")
	colon := w.rest(http.MethodGet, "/operations/"+w.id+"%3Acancel", "")
	return fmt.Sprintf("ID%%2Fb %d, ID%%3Acancel %d; then %s", slash.rest.status, colon.rest.status, result(w.poll()))
}

// verbs uses harmless requests at the path of Cancel, or a prefetch of the
// operation.
func verbs(verb, suffix string, header map[string]string) see {
	return func(w *watcher) string {
		w.started()
		w.bare(verb, "/operations/"+w.id+suffix, "", header)
		return "then " + result(w.poll())
	}
}

// acrossProtocols reads over REST what was created over gRPC.
func acrossProtocols(w *watcher) string {
	w.started()
	return fmt.Sprintf("gRPC %s, REST %d", codeOf(w.poll()), w.restPoll().rest.status)
}

// refusedEverywhere sends a request without its required field over gRPC and
// REST.
func refusedEverywhere(w *watcher) string {
	return "gRPC " + codeOf(w.copy(&clouddesktop.CopyFromDesktopRequest{})) + ", REST " + w.plainly(w.rest(http.MethodPost, copyPath, `{}`))
}

// injected is an error's message as it was sent, which no library passes on.
func injected(w *watcher) string {
	w.id = "nobody"
	text := codeOf(w.poll())
	w.taps.mu.Lock()
	defer w.taps.mu.Unlock()
	for _, t := range w.taps.list {
		t.mu.Lock()
		raw := bytes.Clone(t.in.Bytes())
		t.mu.Unlock()
		for _, f := range headerFields(raw) {
			if f.Name == "grpc-message" {
				text += fmt.Sprintf(", grpc-message %q", f.Value)
			}
		}
	}
	return text
}

// headerFields are those of all frames, valid or not.
func headerFields(raw []byte) []hpack.HeaderField {
	var all []hpack.HeaderField
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) { all = append(all, f) })
	framer := http2.NewFramer(nil, bytes.NewReader(raw))
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			return all
		}
		if h, ok := f.(*http2.HeadersFrame); ok {
			if _, err := decoder.Write(h.HeaderBlockFragment()); err != nil {
				return all
			}
		}
	}
}

// wrongWeb is an error over gRPC-Web.
func wrongWeb(w *watcher) string {
	w.id = "nobody"
	return "gRPC-Web " + w.web()
}

// snapshot compares the response with the image itself.
func snapshot(w *watcher) string {
	w.started()
	w.until(20)
	image := &clouddesktop.DesktopImage{}
	text := sizes(w.poll())
	w.call(imageMethod, &clouddesktop.GetDesktopImageRequest{ImageId: w.image}, image)
	return fmt.Sprintf("response has %s; image has sizes %d, %d", text, image.GetStorageSize(), image.GetMinDiskSize())
}

// twoImages compares the ids of two.
func twoImages(w *watcher) string {
	w.started()
	first := w.image
	w.started()
	return fmt.Sprintf("one id for two images: %v", first == w.image)
}

// listedElsewhere lists a folder that the image is not in.
func listedElsewhere(w *watcher) string {
	w.started()
	return fmt.Sprintf("listed %d x in its folder, %d x in another", w.listed(folder), w.listed("another"))
}

const otherKey = "5f1c1e7e-0000-4000-8000-000000000002"

// keysOf sends n keys twice each, and says whether some few have no effect.
func keysOf(n int) see {
	return func(w *watcher) string {
		ignored := 0
		for i := range n {
			key := fmt.Sprintf("5f1c1e7e-0000-4000-8000-%012d", i)
			w.create(keyed(key)...)
			id := w.id
			w.create(keyed(key)...)
			if w.id != id {
				ignored++
			}
		}
		return fmt.Sprintf("few of %d keys are ignored: %v", n, ignored > 0 && ignored < n/4)
	}
}

// keyOverREST sends one key twice.
func keyOverREST(w *watcher) string {
	header := map[string]string{"Content-Type": "application/json", "Idempotency-Key": otherKey}
	one, _ := w.bare(http.MethodPost, copyPath, `{"desktopId": "desktop"}`, header)
	two, _ := w.bare(http.MethodPost, copyPath, `{"desktopId": "desktop"}`, header)
	return fmt.Sprintf("REST %d, %d, one operation: %v", one.rest.status, two.rest.status, member("id")(one) == member("id")(two))
}
