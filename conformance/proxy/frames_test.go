package proxy_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
)

// framesOf makes a call of gRPC and returns the frames of its answer, a line each,
// where DATA that follows DATA is one.
func framesOf(t *testing.T, address, method string, message proto.Message) (lines []string, body []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	raw, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/" + method}, {":authority", "service.example"}, {"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err = io.WriteString(conn, http2.ClientPreface)
	err = errors.Join(err, framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}),
		framer.WriteData(1, true, append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(raw))), raw...)))
	if err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return append(lines, "broken"), body
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck() // a connection that is broken breaks the next read
			}
		case *http2.MetaHeadersFrame:
			lines = append(lines, fieldsOf(f))
		case *http2.DataFrame:
			body = append(body, f.Data()...)
			line := fmt.Sprintf("DATA end=%v", f.StreamEnded())
			switch last := len(lines) - 1; {
			case last >= 0 && strings.HasPrefix(lines[last], "DATA") && len(f.Data()) == 0 && !f.StreamEnded():
			case last >= 0 && strings.HasPrefix(lines[last], "DATA"):
				lines[last] = line
			default:
				lines = append(lines, line)
			}
		case *http2.RSTStreamFrame:
			return append(lines, "broken"), body
		}
		if h, ok := frame.(interface{ StreamEnded() bool }); ok && h.StreamEnded() {
			return lines, body
		}
	}
}

// fieldsOf leaves out what differs between two calls.
func fieldsOf(f *http2.MetaHeadersFrame) string {
	var fields []string
	for _, h := range f.Fields {
		switch h.Name {
		case "date", "x-request-id":
			h.Value = "…"
		}
		fields = append(fields, h.Name+"="+h.Value)
	}
	slices.Sort(fields)
	return fmt.Sprintf("HEADERS end=%v %s", f.StreamEnded(), strings.Join(fields, " "))
}

// shapeOf is how messages are framed, whatever they say.
func shapeOf(body []byte) string {
	shape := ""
	for len(body) >= 5 {
		n := int(binary.BigEndian.Uint32(body[1:]))
		if len(body)-5 < n {
			break
		}
		shape += fmt.Sprintf("[%d] ", body[0])
		body = body[5+n:]
	}
	if len(body) > 0 {
		shape += "part"
	}
	return shape
}

// What a server does wrong with frames, headers and trailers, a client sees through
// a proxy as it does without.
func TestFramesStayAsTheyAre(t *testing.T) {
	for _, fixture := range []string{
		"slow-success", "no-trailers", "status-in-headers", "error-in-headers-with-body", "cut-off-message", "neither-message-nor-trailers", "no-message", "two-messages",
		"grpc-404", "grpc-as-html", "error-plus-message", "status-17", "raw-utf8-message", "details-code-differs", "trailers-only-error", "proxy-502", "html-login-page", "rst-cancel", "rst-internal-error",
		"rst-mid-body", "tcp-close", "tcp-reset", "half-frame", "poll-hint-zero",
	} {
		t.Run(fixture, func(t *testing.T) {
			srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"))
			srv.Play(fixtures.Must(fixture))
			p := start(t, srv.URL())
			const images, operations = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop", "yandex.cloud.operation.OperationService/Get"
			var seen [2][]string
			for i, address := range []string{srv.Addr(), p.Addr()} {
				created, body := framesOf(t, address, images, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
				seen[i] = append(created, shapeOf(body))
				op := new(operation.Operation)
				if len(body) > 5 {
					if err := proto.Unmarshal(body[5:], op); err != nil {
						t.Fatal(err)
					}
				}
				for range 3 {
					srv.Advance(time.Minute)
					read, body := framesOf(t, address, operations, &operation.GetOperationRequest{OperationId: op.GetId()})
					seen[i] = append(seen[i], append(read, shapeOf(body))...)
				}
				missing, body := framesOf(t, address, operations, &operation.GetOperationRequest{OperationId: "none"})
				seen[i] = append(seen[i], append(missing, shapeOf(body))...)
			}
			if !slices.Equal(seen[0], seen[1]) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(seen[1], "\n"), strings.Join(seen[0], "\n"))
			}
		})
	}
}
