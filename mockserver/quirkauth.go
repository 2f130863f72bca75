package mockserver

import (
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// operationGet is OperationService.Get as calls name it.
var operationGet = strings.TrimPrefix(procedure(operation.File_yandex_cloud_operation_operation_service_proto.Services().ByName("OperationService").Methods().ByName("Get")), "/")

// admits reports whether a quirk lets a call in that has not got the token.
func (c *call) admits() bool {
	return c.quirk(optestv1.QuirkFault_TOKEN_IGNORED, nil) ||
		c.record.Method == operationGet && c.header("Authorization") != "" && c.quirk(optestv1.QuirkFault_ANY_TOKEN_READS, nil)
}
