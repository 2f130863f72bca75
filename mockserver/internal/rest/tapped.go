package rest

// Tapped is a message to receive into, or to send, whose bytes a sink is shown:
// those of the body, as they came or as they go out. Without a body it is shown
// none.
type Tapped struct {
	Message any
	Sink    Sink
}

// Sink is shown bytes that are valid until Saw returns.
type Sink interface{ Saw(raw []byte) }
