package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
)

// heap is what is in use after a collection, in 1e6 bytes.
func heap() float64 {
	runtime.GC()
	runtime.GC() // what finalizers and pools have let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}

// resident is this process's memory by proc(5), in 1e6 bytes, and the highest that
// it ever was.
func resident() (now, peak float64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(status) {
		for name, to := range map[string]*float64{"VmRSS:": &now, "VmHWM:": &peak} {
			if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
				kibibytes, err := strconv.ParseFloat(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))), 64)
				if err != nil {
					return 0, 0, fmt.Errorf("status of this process: %w", err)
				}
				*to = kibibytes * 1024 / 1e6
			}
		}
	}
	return now, peak, nil
}
