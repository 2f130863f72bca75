// Package conformance tells whether a server keeps the contract of long-running
// operations: of yandex.cloud.clouddesktop.v1.api.DesktopImageService and
// yandex.cloud.operation.OperationService.
//
// [Run] is for go test. It takes a factory, and by default plays everything in
// virtual time, so that operations of hours take milliseconds:
//
//	func TestServer(t *testing.T) {
//		conformance.Run(t, func(tb testing.TB) conformance.Target {
//			listener := bufconn.Listen(64 << 10)
//			…
//			return conformance.Target{Dial: listener.DialContext, Desktops: conformance.Desktops{Succeeds: "good"}}
//		})
//	}
//
// [Check] is for programs, and for servers on a network. [Verify] judges what
// somebody else has recorded. All three hold the same table of rules against what
// was seen.
//
// Nothing passes by being absent: a rule that nothing was seen of is NOT EXERCISED,
// and one that could not be looked at is NOT APPLICABLE. A server is conformant if
// every core rule was exercised and has passed.
package conformance
