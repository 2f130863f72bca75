//go:build !unix

package child

import "os"

// Signals are those that a command is to get instead of the program.
var Signals = []os.Signal{os.Interrupt}

// reachesAll reports whether the command has got the signal, too: a console
// sends Ctrl-C to all of its processes.
func reachesAll(os.Signal) bool { return true }
