package clients_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
)

// restError reads the body of a failed REST call: a bare google.rpc.Status.
func restError(body []byte) error {
	var st rpcstatus.Status
	if err := protojson.Unmarshal(body, &st); err != nil {
		return fmt.Errorf("body %q is no google.rpc.Status: %w", body, err)
	}
	return status.ErrorProto(&st)
}

// connectError reads the body of a failed Connect call.
func connectError(body []byte) error {
	var e struct {
		Code    connect.Code `json:"code"`
		Message string       `json:"message"`
		Details []struct {
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"details"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return fmt.Errorf("body %q is no error of the Connect protocol: %w", body, err)
	}
	st := &rpcstatus.Status{Code: int32(e.Code), Message: e.Message}
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		if err != nil {
			return fmt.Errorf("detail %q: %w", d.Type, err)
		}
		st.Details = append(st.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
	}
	return status.ErrorProto(st)
}

// stubError turns an error of the Connect library into one with a gRPC status.
func stubError(err error) error {
	var e *connect.Error
	if !errors.As(err, &e) {
		return err
	}
	st := &rpcstatus.Status{Code: int32(e.Code()), Message: e.Message()}
	for _, d := range e.Details() {
		st.Details = append(st.Details, connectproto.ErrorDetailToAny(d))
	}
	return status.ErrorProto(st)
}

// violatedField is the first field that a BadRequest in the error names.
func violatedField(err error) string {
	for _, d := range status.Convert(err).Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok && len(bad.GetFieldViolations()) > 0 {
			return bad.GetFieldViolations()[0].GetField()
		}
	}
	return ""
}
