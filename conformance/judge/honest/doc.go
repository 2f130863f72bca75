// Package honest is a service of images that keeps the contract, for others to
// change: package zoo makes it odd, package holdout breaks it. It is written on
// grpc-go and net/http and shares nothing with the mock server.
package honest
