// Package clients lets clients of every kind see scripted lives of an operation
// on one server with one port: grpc-go, generated Connect stubs over three
// protocols, plain net/http, curl and grpcurl, each as they are, over plaintext
// and TLS. Its tests are one table of clients against lives.
package clients
