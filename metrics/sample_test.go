package metrics

import (
	"strings"
	"testing"
	"time"
)

func TestCheckTimeKnowsOtherUnits(t *testing.T) {
	now := time.UnixMilli(1_790_000_000_123)
	at := now.UnixMilli()
	const day = 24 * 60 * 60 * 1000
	for _, tt := range []struct {
		name string
		at   int64
		want string // "" for none
	}{
		{"now", at, ""},
		{"7 days ago", at - 7*day, ""},
		{"more than that", at - 7*day - 1, "more than 7 days ago"},
		{"10 minutes ahead", at + 600_000, ""},
		{"more than that ahead", at + 600_001, "more than 10 minutes ahead"},
		{"seconds", at / 1000, "Unix seconds: write milliseconds, 1790000000000"},
		{"microseconds", at * 1000, "Unix microseconds: write milliseconds, 1790000000123"},
		{"nanoseconds", at * 1_000_000, "Unix nanoseconds: write milliseconds, 1790000000123"},
		{"zero", 0, "more than 7 days ago"},
		{"the least", -1 << 63, "more than 7 days ago"},
		{"the most", 1<<63 - 1, "more than 10 minutes ahead"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckTime(tt.at, now)
			if tt.want == "" && err == nil {
				return
			}
			if err == nil || tt.want == "" || KindOf(err) != Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one that says %q", err, tt.want)
			}
		})
	}
}
