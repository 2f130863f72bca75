package exchange

// Held are the bytes of calls under way.
func Held(r *Recorder) int64 { return r.held.Load() }
