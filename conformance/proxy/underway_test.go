package proxy

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		name  string
		calls []time.Duration // how long each is under way
		want  time.Duration
	}{
		{"nothing is under way", nil, 0},
		{"calls end", []time.Duration{10 * time.Millisecond, 30 * time.Millisecond}, 30 * time.Millisecond},
		{"a call hangs", []time.Duration{10 * time.Millisecond, time.Hour}, grace},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var u underWay
				for _, d := range tt.calls {
					u.begin()
					time.AfterFunc(d, u.end)
				}
				began := time.Now()
				u.settle()
				if got := time.Since(began); got != tt.want {
					t.Errorf("settled after %v, want %v", got, tt.want)
				}
			})
		})
	}
}
