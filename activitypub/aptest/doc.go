// Package aptest supplies the other side of federation in tests: Remote, a
// scriptable instance on loopback with its own actors and keys that records
// what it is asked and sent; and Server, a whole engine of ours behind a real
// listener with its jobs running. Nothing is mocked: requests are signed, go
// over TCP and are checked.
package aptest
