package breakage

import (
	"net/http"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// settle sends what the faults leave of the answer. That the client may have gone meanwhile is of no matter.
func (a *Answer) settle() {
	if !a.Faulted() {
		return
	}
	c := a.content()
	c.reshape(a.changes)
	if a.instead != nil {
		c.replace(a.instead)
	}
	var breaking []*optestv1.TransportFault
	for _, f := range a.faults {
		k := kinds[f.GetKind()]
		if k.breaks {
			breaking = append(breaking, f)
		} else {
			k.shape(c, f.GetAfterBytes())
		}
	}
	a.sent(c, len(breaking) > 0)
	switch {
	case len(breaking) > 0:
		a.breakOff(c, breaking)
	case a.streams && a.conn != nil && c.unsendable():
		a.sendRaw(c)
	default:
		c.send(a.writer)
	}
}

// content is what the handler has answered.
func (a *Answer) content() *content {
	a.WriteHeader(http.StatusOK)
	c := &content{protocol: a.protocol, status: a.status, header: a.header, trailer: http.Header{}}
	c.divide(a.body)
	// Two ways to have trailers: with a prefix, or declared before the body.
	last := a.writer.Header()
	for name, values := range last {
		if bare, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			c.trailer[bare] = values
			delete(c.header, name)
		}
	}
	for _, declared := range c.header["Trailer"] {
		for name := range strings.SplitSeq(declared, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if values, ok := last[name]; ok {
				c.trailer[name] = values
			}
			delete(c.header, name)
		}
	}
	delete(c.header, "Trailer")
	return c
}

// breakOff sends the answer up to the place of the first fault, and then what they all do.
func (a *Answer) breakOff(c *content, faults []*optestv1.TransportFault) {
	body := c.body()
	after := faults[0].GetAfterBytes()
	at := upTo(after, len(body))
	rest := body[at:]
	if a.halved() && !a.streams {
		at += len(rest) / 2
	}
	begun := after > 0 || a.halved()
	if begun {
		length := -1
		if !a.streams {
			length = len(body) // net/http divides the body into chunks otherwise
		}
		c.begin(a.writer, length)
		_, _ = a.writer.Write(body[:at])
		_ = http.NewResponseController(a.writer).Flush()
	}
	if a.streams {
		a.report(a.conn.strike(a.writer, breach{end: endOf(faults), frames: func(stream uint32) []byte { return framesOf(faults, stream, rest) }}))
		return
	}
	a.conn.stop(endOf(faults))
	if begun {
		// Nothing of this gets through. But net/http closes a connection at once whose answer is shorter than its header says.
		_, _ = a.writer.Write(body[at:])
	}
}

// endOf is the last end of the connection that the faults ask for.
func endOf(faults []*optestv1.TransportFault) end {
	last := onward
	for _, f := range faults {
		if e := kinds[f.GetKind()].end; e != onward {
			last = e
		}
	}
	return last
}

func framesOf(faults []*optestv1.TransportFault, stream uint32, rest []byte) []byte {
	var list []byte
	for _, f := range faults {
		if k := kinds[f.GetKind()]; k.frames != nil {
			list = append(list, k.frames(stream, rest)...)
		}
	}
	return list
}
