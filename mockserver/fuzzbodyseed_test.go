package mockserver

import (
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

type bodySeed struct {
	method, dialect, encoding, flags uint8
	http1                            bool
	body                             []byte
}

// bodySeeds are a request of each method in each dialect, and what is odd about
// frames and compression.
func bodySeeds(f *testing.F) []bodySeed {
	f.Helper()
	id := firstOperation(f)
	requests := []proto.Message{
		&clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "n", Description: "é", Labels: map[string]string{"a": "1"}},
		&clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageSize: 2, Filter: `name="n"`},
		&operation.GetOperationRequest{OperationId: id},
		&operation.CancelOperationRequest{OperationId: id},
	}
	var seeds []bodySeed
	for i, d := range dialects {
		for method, m := range requests {
			raw, err := d.encode(m)
			if err != nil {
				f.Fatal(err)
			}
			seed := bodySeed{method: uint8(method), dialect: uint8(i), flags: asItIs, http1: (i+method)%2 == 0, body: raw}
			if d.framed() {
				seed.flags = 0
			}
			seeds = append(seeds, seed)
		}
	}
	binary, err := proto.Marshal(requests[0])
	if err != nil {
		f.Fatal(err)
	}
	plain, web, unary := dialectOf(f, "application/grpc"), dialectOf(f, "application/grpc-web+proto"), dialectOf(f, "application/proto")
	raw := func(dialect, encoding uint8, body []byte) bodySeed {
		return bodySeed{dialect: dialect, encoding: encoding, flags: asItIs, http1: len(body)%2 == 0, body: body}
	}
	const compressed = 1 // of bodyEncodings
	return append(seeds,
		raw(plain, 0, nil),
		raw(plain, 0, []byte{0, 0, 0}),
		raw(plain, 0, []byte{0, 0xff, 0xff, 0xff, 0xff, 1}),
		raw(plain, 0, append(frameOf(0, binary), frameOf(0, binary)...)),
		raw(plain, 0, append(frameOf(0, binary), 0)),
		raw(plain, 0, frameOf(frameGzip, zipped(binary))),
		raw(plain, compressed, frameOf(frameGzip, zipped(binary))),
		raw(plain, compressed, frameOf(frameGzip, zipped(make([]byte, 8*fuzzBody)))),
		raw(plain, compressed, frameOf(frameGzip, nil)),
		raw(plain, 3, frameOf(0, binary)),
		raw(plain, 0, frameOf(0x80, binary)),
		raw(web, 0, append(frameOf(0, binary), frameOf(frameWebEnd, []byte("a: b\r\n"))...)),
		raw(web, 0, frameOf(frameWebEnd, nil)),
		raw(unary, compressed, zipped(binary)),
		raw(unary, compressed, binary),
		raw(unary, 0, binary[:len(binary)-1]),
		raw(unary, 0, []byte{0x22, 2, 'a', 0xff}),
		raw(unary, 0, make([]byte, fuzzBody+1)),
		raw(dialectOf(f, "application/json"), 0, []byte(`{"desktopId":"d","unknown":[1],"labels":{"a":null}}`)),
		raw(dialectOf(f, "application/json"), 0, []byte(`{"desktopId":"d","desktop_id":"e"}`)),
		raw(dialectOf(f, "application/json"), 0, []byte(`{}{}`)),
	)
}

// firstOperation is the id of the first operation that any fuzzed server makes.
func firstOperation(f *testing.F) string {
	f.Helper()
	s, err := Start(fuzzedOptions...)
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	op, err := copyFromDesktop(f.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
	if err != nil {
		f.Fatal(err)
	}
	return op.GetId()
}

func zipped(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(raw) // to memory
	_ = w.Close()
	return b.Bytes()
}
