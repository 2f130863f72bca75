package calllog

import (
	"encoding/json"
	"time"
)

// JSON is one object a call. The names are stable: fields may be added, none is
// renamed.
func JSON() Format { return jsonFormat{} }

type jsonFormat struct{}

type object struct {
	Time time.Time `json:"time"` // when the call began
	// ServerTime is the same moment by the server's clock, which an operation's
	// timestamps are in.
	ServerTime time.Time `json:"server_time"`
	Number     uint64    `json:"number"`
	Protocol   string    `json:"protocol"`
	Method     string    `json:"method"`
	Peer       string    `json:"peer,omitempty"`
	Operation  string    `json:"operation,omitempty"`
	Code       string    `json:"code"`
	Message    string    `json:"message,omitempty"`
	Scenario   string    `json:"scenario,omitempty"`
	Step       string    `json:"step,omitempty"`
	Faults     []string  `json:"faults,omitempty"`
	// DurationMS is in real time.
	DurationMS float64 `json:"duration_ms"`
}

func (jsonFormat) line(e entry) []byte {
	faults := make([]string, 0, len(e.Faults))
	for _, name := range e.FaultNames() {
		faults = append(faults, clean(name))
	}
	line, err := json.Marshal(object{
		Time:       e.at.UTC(),
		ServerTime: e.Begin.UTC(),
		Number:     e.Number,
		Protocol:   clean(e.Protocol),
		Method:     clean(e.Method),
		Peer:       clean(e.Peer),
		Operation:  clean(e.Operation),
		Code:       codeName(e.Code),
		Message:    clean(e.Message),
		Scenario:   clean(e.Scenario),
		Step:       clean(e.Step),
		Faults:     faults,
		DurationMS: float64(e.took.Microseconds()) / 1000,
	})
	if err != nil {
		// Only a time beyond the year 9999 can't be encoded, which a very fast clock
		// may come to.
		line = []byte(`{"error":"the server's clock is beyond the year 9999"}`)
	}
	return append(line, '\n')
}
