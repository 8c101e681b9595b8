package metrics

import (
	"math"
	"strconv"
)

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

// maxScoreDigits is how many digits a score has after the point where the leaderboard does not say.
const maxScoreDigits = 6

// FormatScore writes a score as number and suffix, separately. Where a unit would shorten it, so that two
// scores which differ look the same, it is written in full: plain numbers with all their digits, and seconds
// as a clock does, 1:01.250. Every other unit is written as Unit.Format has it.
func (l *Leaderboard) FormatScore(v float64) (number, suffix string) {
	switch {
	case math.Abs(v) >= 1e15:
		return l.Unit.Format(v, l.Decimals)
	case l.Unit == None || l.Unit == Count:
		return signed(v, grouped(l.digits(math.Abs(v), maxScoreDigits))), ""
	case l.Unit == Seconds && math.Abs(v) >= 60:
		return signed(v, l.clock(math.Abs(v))), ""
	case l.Unit == Seconds:
		return signed(v, l.digits(math.Abs(v), 3)), "s"
	}
	return l.Unit.Format(v, l.Decimals)
}

// ScoreText is FormatScore in one string.
func (l *Leaderboard) ScoreText(v float64) string { return join(l.FormatScore(v)) }

// digits writes v with the leaderboard's decimals, or with as many as it needs up to most.
func (l *Leaderboard) digits(v float64, most int) string {
	if l.Decimals >= 0 {
		return digits(v, l.Decimals)
	}
	scale := math.Pow10(most)
	return strconv.FormatFloat(math.Round(v*scale)/scale, 'f', -1, 64)
}

// clock writes a minute or more as 1:01.25, and an hour or more as 1:02:05.5.
func (l *Leaderboard) clock(seconds float64) string {
	const most = 3
	decimals := most
	if l.Decimals >= 0 {
		decimals = l.Decimals
	}
	scale := math.Pow10(decimals)
	seconds = math.Round(seconds*scale) / scale
	minutes := math.Floor(seconds / 60)
	rest := l.digits(math.Max(seconds-60*minutes, 0), most)
	if seconds-60*minutes < 10 {
		rest = "0" + rest
	}
	if minutes < 60 {
		return digits(minutes, 0) + ":" + rest
	}
	hours, left := math.Floor(minutes/60), math.Mod(minutes, 60)
	text := digits(left, 0)
	if left < 10 {
		text = "0" + text
	}
	return digits(hours, 0) + ":" + text + ":" + rest
}
