package exampleserver

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// check collects what is wrong with a request.
type check struct {
	violations []*errdetails.BadRequest_FieldViolation
}

func (c *check) wrong(field, format string, args ...any) {
	c.violations = append(c.violations, &errdetails.BadRequest_FieldViolation{Field: field, Description: fmt.Sprintf(format, args...)})
}

func (c *check) required(field, value string) {
	if value == "" {
		c.wrong(field, "is required")
	}
}

func (c *check) text(field, value string, most int) {
	if n := utf8.RuneCountInString(value); n > most {
		c.wrong(field, "has %d characters, at most %d are allowed", n, most)
	}
}

var (
	labelKey   = regexp.MustCompile(`^[a-z][-_0-9a-z]{0,62}$`)
	labelValue = regexp.MustCompile(`^[-_0-9a-z]{0,63}$`)
)

func (c *check) resource(folder, name, description string, labels map[string]string) {
	c.text("folder_id", folder, 50)
	c.text("name", name, 50)
	c.text("description", description, 1024)
	if len(labels) > 64 {
		c.wrong("labels", "has %d members, at most 64 are allowed", len(labels))
	}
	for key, value := range labels {
		if !labelKey.MatchString(key) {
			c.wrong("labels", "has the key %q, want %s", key, labelKey)
		}
		if !labelValue.MatchString(value) {
			c.wrong("labels", "has the value %q, want %s", value, labelValue)
		}
	}
}

func (c *check) err() error {
	if len(c.violations) == 0 {
		return nil
	}
	st := status.New(codes.InvalidArgument, c.violations[0].Field+" "+c.violations[0].Description)
	if detailed, err := st.WithDetails(&errdetails.BadRequest{FieldViolations: c.violations}); err == nil {
		st = detailed
	}
	return st.Err()
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// normalKey is an idempotency key as it is kept.
func normalKey(key string) (string, error) {
	key = strings.ToLower(key)
	if !uuid.MatchString(key) {
		return "", status.Error(codes.InvalidArgument, "the idempotency key is no UUID")
	}
	return key, nil
}

func packed(m proto.Message) (*anypb.Any, error) {
	packed, err := anypb.New(m)
	if err != nil {
		return nil, status.Error(codes.Internal, "a message can't be packed")
	}
	return packed, nil
}
