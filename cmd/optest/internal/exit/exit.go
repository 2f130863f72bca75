// Package exit says with which code the program ends.
package exit

import "errors"

// The codes that the program's own errors end with.
const (
	OK      = 0
	Failure = 1 // a finding, or something failed while running
	Usage   = 2 // the command line can't be meant as it is
)

// Codes of a command that could not be started, as shells have them.
const (
	NotExecutable = 126
	NotFound      = 127
)

// Error is an error that ends the program with a code of its own.
type Error struct {
	Code int
	// Err is what to tell the user, nil where that has been done.
	Err error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Misuse marks err as a mistake in the command line.
func Misuse(err error) error { return &Error{Code: Usage, Err: err} }

// Silently ends the program with a code and no message.
func Silently(code int) error { return &Error{Code: code} }

// Of is the code for what a command returned.
func Of(err error) int {
	var coded *Error
	switch {
	case err == nil:
		return OK
	case errors.As(err, &coded):
		return coded.Code
	}
	return Failure
}
