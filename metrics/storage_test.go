package metrics

import (
	"testing"
	"time"
)

func TestBudgetTakesDaysFromTheFinestTierFirst(t *testing.T) {
	const day = 24 * time.Hour
	usage := func(budget int64) Usage {
		u := Usage{Bytes: 1_000, Free: 100, Storage: Storage{Budget: budget, Retention: [...]time.Duration{7 * day, 10 * day, 20 * day, 20 * day, 60 * day}}}
		u.Tiers[0] = TierUsage{Bytes: 400, PerDay: 100, Known: true}
		u.Tiers[1] = TierUsage{Bytes: 100, PerDay: 60, Known: true} // the next ones have 10, 1 and 1/6 of a byte
		return u
	}
	const whole = 400 + 7*100 + 10*60 + 20*10 + 20 + 10 // with the 400 beside the tiers
	for _, tt := range []struct {
		name     string
		budget   int64
		raw, ten time.Duration
		by       int // tiers that the budget ends
	}{
		{"no budget", 0, 7 * day, 10 * day, 0},
		{"enough", whole, 7 * day, 10 * day, 0},
		{"two days too little", whole - 200, 5 * day, 10 * day, 1},
		{"a day of samples stays", whole - 600 - 120, day, 8 * day, 2},
		{"exceeded", 1, day, day, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kept, ok := usage(tt.budget).Kept()
			by := 0
			for _, k := range kept {
				if k.ByBudget {
					by++
				}
			}
			near := func(got, want time.Duration) bool { return (got - want).Abs() < time.Minute }
			if !ok || !near(kept[0].For, tt.raw) || !near(kept[1].For, tt.ten) || by != tt.by {
				t.Errorf("got %v, %v", kept, ok)
			}
		})
	}
	if _, ok := (Usage{}).Kept(); ok {
		t.Error("what holds nothing has a forecast")
	}
}
