package rank

import "time"

// rates counts what each player did in the minute that runs.
type rates[K comparable] struct {
	minute int64
	counts map[K]int
}

// count notes one more of the player's, unless there is no limit. now is in Unix milliseconds.
func (r *rates[K]) count(player K, now int64, limit int) {
	if limit == 0 {
		return
	}
	if minute := minuteOf(now); minute != r.minute || r.counts == nil {
		r.minute, r.counts = minute, make(map[K]int)
	}
	r.counts[player]++
}

// of returns how many of the player's there were in the minute of now.
func (r *rates[K]) of(player K, now int64) int {
	if minuteOf(now) != r.minute {
		return 0
	}
	return r.counts[player]
}

func minuteOf(at int64) int64 { return at / time.Minute.Milliseconds() }
