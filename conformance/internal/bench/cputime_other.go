//go:build !unix

package main

import "time"

var began = time.Now()

// cpuTime is wall time where the system does not tell that of the CPU.
func cpuTime() time.Duration { return time.Since(began) }
