package metrics

// Score is one result of one player on one leaderboard.
type Score struct {
	Player     string  // the id: unique in the leaderboard, and never shown in place of a name that is known
	Name       string  // as people read it; "" keeps the one known, which is the id for a new player
	Value      float64 // finite
	At         int64   // when it was achieved, Unix milliseconds, UTC
	Subs       []Sub   // sorted by name, without duplicates
	Attributes Labels  // of the player, such as team; what is not named stays as it is
}

// Sub is a named part of a score, such as deaths or seconds, by which ties are broken.
type Sub struct {
	Name  string
	Value float64 // finite
}

// Sub returns the sub-score of that name, zero where there is none.
func (s Score) Sub(name string) float64 {
	for _, sub := range s.Subs {
		if sub.Name == name {
			return sub.Value
		}
	}
	return 0
}
