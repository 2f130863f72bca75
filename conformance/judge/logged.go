package judge

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/binarylog/grpc_binarylog_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// binaryLog is the log that grpc-go would have written of those calls that are its
// own, on the client's side or the server's.
func binaryLog(tr *trace.Trace, logger grpc_binarylog_v1.GrpcLogEntry_Logger) ([]byte, error) {
	type entry struct {
		at time.Duration
		*grpc_binarylog_v1.GrpcLogEntry
	}
	var list []entry
	start := tr.Header.GetStart().AsTime()
	for _, e := range tr.Events {
		if e.Protocol != optestv1.Event_GRPC {
			continue
		}
		sequence := uint64(0)
		add := func(at time.Duration, one *grpc_binarylog_v1.GrpcLogEntry) {
			sequence++
			one.CallId, one.SequenceIdWithinCall, one.Logger, one.Timestamp = e.Number, sequence, logger, timestamppb.New(start.Add(at))
			list = append(list, entry{at, one})
		}
		header := &grpc_binarylog_v1.ClientHeader{MethodName: "/" + e.Method, Metadata: logMetadata(e.RequestHeader)}
		if e.Timeout > 0 {
			header.Timeout = durationpb.New(e.Timeout)
		}
		add(e.Called, &grpc_binarylog_v1.GrpcLogEntry{
			Type: grpc_binarylog_v1.GrpcLogEntry_EVENT_TYPE_CLIENT_HEADER, Payload: &grpc_binarylog_v1.GrpcLogEntry_ClientHeader{ClientHeader: header},
		})
		if e.Request != nil {
			add(e.Called, &grpc_binarylog_v1.GrpcLogEntry{
				Type: grpc_binarylog_v1.GrpcLogEntry_EVENT_TYPE_CLIENT_MESSAGE, Payload: logMessage(e.Request),
			})
		}
		peer := &grpc_binarylog_v1.Address{Type: grpc_binarylog_v1.Address_TYPE_IPV4, Address: "10.0.0.1", IpPort: 443}
		if e.Response != nil {
			add(e.Returned, &grpc_binarylog_v1.GrpcLogEntry{
				Type: grpc_binarylog_v1.GrpcLogEntry_EVENT_TYPE_SERVER_HEADER, Peer: peer,
				Payload: &grpc_binarylog_v1.GrpcLogEntry_ServerHeader{ServerHeader: &grpc_binarylog_v1.ServerHeader{Metadata: logMetadata(e.ResponseHeader)}},
			})
			add(e.Returned, &grpc_binarylog_v1.GrpcLogEntry{
				Type: grpc_binarylog_v1.GrpcLogEntry_EVENT_TYPE_SERVER_MESSAGE, Payload: logMessage(e.Response),
			})
		}
		if e.Outcome == optestv1.Event_INDETERMINATE {
			add(e.Returned, &grpc_binarylog_v1.GrpcLogEntry{Type: grpc_binarylog_v1.GrpcLogEntry_EVENT_TYPE_CANCEL})
			continue
		}
		trailer := &grpc_binarylog_v1.Trailer{Metadata: logMetadata(e.Trailer)}
		if f := e.Failure; f != nil {
			trailer.StatusCode, trailer.StatusMessage, trailer.StatusDetails = uint32(f.Code), f.Message, f.Details
		}
		add(e.Returned, &grpc_binarylog_v1.GrpcLogEntry{
			Type: grpc_binarylog_v1.GrpcLogEntry_EVENT_TYPE_SERVER_TRAILER, Peer: peer, Payload: &grpc_binarylog_v1.GrpcLogEntry_Trailer{Trailer: trailer},
		})
	}
	slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	var out bytes.Buffer
	for _, e := range list {
		data, err := proto.Marshal(e.GrpcLogEntry)
		if err != nil {
			return nil, err
		}
		out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
		out.Write(data)
	}
	return out.Bytes(), nil
}

func logMessage(b *trace.Blob) *grpc_binarylog_v1.GrpcLogEntry_Message {
	return &grpc_binarylog_v1.GrpcLogEntry_Message{Message: &grpc_binarylog_v1.Message{Length: uint32(b.Length()), Data: b.Bytes()}}
}

// logMetadata is the application's: the protocol's own is not logged.
func logMetadata(fields trace.Fields) *grpc_binarylog_v1.Metadata {
	m := &grpc_binarylog_v1.Metadata{}
	for _, f := range fields {
		if strings.HasPrefix(f.Name, "grpc-") || slices.Contains([]string{"content-type", "te", "user-agent"}, f.Name) {
			continue
		}
		m.Entry = append(m.Entry, &grpc_binarylog_v1.MetadataEntry{Key: f.Name, Value: []byte(f.Value)})
	}
	return m
}
