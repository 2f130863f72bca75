// Package sdkv2 runs the vendor's Go SDK v2, github.com/yandex-cloud/go-sdk/v2,
// as it is against the mock: discovery and tokens over TLS, and its operation
// waiter.
//
// The SDK's root module has no client for desktop images, so that an operation
// is started with go-genproto's client over a connection of the SDK's, as a
// program without the SDK's module for the service would do.
//
// The tests in memory run in a testing/synctest bubble, where the SDK's polling
// interval of one second costs no time. Discovery takes TLS on a port and the
// roots of the process: see TestMain.
package sdkv2
