package breakage

import "net/http"

// Sent is what a call with a fault is answered with.
type Sent struct {
	Status          int
	Header, Trailer http.Header
	// Message is the body, where it is no more than a message and not compressed,
	// else nil. It must not be changed.
	Message []byte
	// Foreign: the body comes from something between client and server.
	Foreign bool
	// Broken: the answer breaks off, before all of it was sent or after.
	Broken bool
}

// Faulted reports whether a fault was asked for, or a change.
func (a *Answer) Faulted() bool { return a.instead != nil || len(a.faults) > 0 || len(a.changes) > 0 }

// Settled has f called when it is known what an answer with a fault is, before any of it is sent.
func (a *Answer) Settled(f func(Sent)) { a.settled = f }

func (a *Answer) sent(c *content, broken bool) {
	if a.settled == nil {
		return
	}
	s := Sent{Status: c.status, Header: c.header, Trailer: c.trailer, Foreign: a.instead != nil, Broken: broken}
	if c.protocol == plain && c.header.Get("Content-Encoding") == "" {
		s.Message = c.messages
	}
	a.settled(s)
}
