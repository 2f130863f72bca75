package rest

import "connectrpc.com/connect/v2"

// HTTPStatus is what an error of this code is answered with over REST, 500 for
// codes outside google.rpc.Code.
func HTTPStatus(code connect.Code) int { return httpStatus(code) }
