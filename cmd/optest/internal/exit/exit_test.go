package exit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
)

func TestOf(t *testing.T) {
	cause := errors.New("cause")
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{cause, 1},
		{exit.Misuse(cause), 2},
		{fmt.Errorf("around: %w", exit.Misuse(cause)), 2},
		{errors.Join(cause, exit.Silently(7)), 7},
		{&exit.Error{Code: exit.NotFound, Err: cause}, 127},
	} {
		if got := exit.Of(tt.err); got != tt.want {
			t.Errorf("%v: code %d, want %d", tt.err, got, tt.want)
		}
	}
	if !errors.Is(exit.Misuse(cause), cause) {
		t.Error("the cause is lost")
	}
	if got := exit.Silently(3).Error(); got != "" {
		t.Errorf("%q, want nothing to say", got)
	}
}
