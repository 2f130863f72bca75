// Package sdkv0 runs the vendor's Go SDK, github.com/yandex-cloud/go-sdk, as it
// is against the mock: it finds every service by Config.Endpoint alone, gets its
// token from the mock and waits for operations with its own code.
//
// The tests in memory run in a testing/synctest bubble, where the SDK's polling
// interval of one second costs no time. Those on a port use real time, a faster
// clock on the server's side and the SDK's WaitInterval.
package sdkv0
