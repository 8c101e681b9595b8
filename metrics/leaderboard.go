package metrics

import (
	"time"
)

// Leaderboard is a ranking of players as the board file describes it. It is never changed once made.
type Leaderboard struct {
	Name        string // in URLs: lower-case letters, digits and -
	Title       string
	Text        string // a line beside the title
	Unit        Unit
	Decimals    int // digits after the point; -1 means as the size of the number asks
	Order       Order
	Keep        Keep
	Ties        Ties
	TieBreaks   []TieBreak // applied in order among equal scores
	Periods     []Period   // at least one; the first is shown when none is asked for
	Zone        *time.Location
	Groups      []string // names of the player attributes by which standings are also kept
	Limits      ScoreLimits
	UniqueNames bool // no two players may have names that look the same
	Signed      bool // submissions must bear a signature
	Visibility  Visibility
	Freeze      Freeze
	Moves       PeriodKind // Hour or Day: since when a row's movement counts
	Query       *Query     // feeds the leaderboard with an instant query's answer; nil where scores are submitted
}

// Leaderboard returns the leaderboard called name.
func (b *Board) Leaderboard(name string) (*Leaderboard, error) {
	for i := range b.Leaderboards {
		if b.Leaderboards[i].Name == name {
			return &b.Leaderboards[i], nil
		}
	}
	return nil, Errorf(NotFound, "There is no leaderboard named %q.", name)
}

// Order says which score is the better one.
type Order string

// The orders.
const (
	Desc Order = "desc" // the higher
	Asc  Order = "asc"  // the lower
)

// Keep says what a player's scores in a window come to.
type Keep string

// What is kept. Best is the best by the leaderboard's whole order, tie-breakers included; Last is the
// newest by At, and of those the one submitted last.
const (
	KeepBest    Keep = "best"
	KeepLast    Keep = "last"
	KeepSum     Keep = "sum"
	KeepCount   Keep = "count"
	KeepMin     Keep = "min"
	KeepMax     Keep = "max"
	KeepAverage Keep = "average"
)

// Ties says which ranks players get who are equal, tie-breakers included.
type Ties string

// The ways to number ties.
const (
	Competition Ties = "competition" // 1 2 2 4
	Dense       Ties = "dense"       // 1 2 2 3
	Ordinal     Ties = "ordinal"     // 1 2 3 4: who came to the leaderboard first stands first
)

// TieBreak decides between equal scores.
type TieBreak struct {
	Sub   string // the sub-score compared; "" for the time at which the score was reached
	Order Order  // Asc on time is the earliest first
}

// PeriodKind is a way to cut time into windows.
type PeriodKind string

// The kinds of periods. Weeks begin on Monday (ISO 8601).
const (
	AllTime PeriodKind = "all"
	Hour    PeriodKind = "hour"
	Day     PeriodKind = "day"
	Week    PeriodKind = "week"
	Month   PeriodKind = "month"
	Season  PeriodKind = "season" // from From to To
)

// Period is one of a leaderboard's ways to cut time into windows.
type Period struct {
	Kind     PeriodKind
	Name     string    // of a season; of any other kind the kind
	Title    string    // as people read it
	From, To time.Time // of a season; To is not part of it
}

// ScoreLimits bound what a player may submit. Nil and 0 mean no bound.
type ScoreLimits struct {
	Min, Max  *float64
	MaxStep   *float64 // the largest distance between a score and the player's one before
	PerMinute int      // scores of one player in a minute
}

// Visibility says who sees a leaderboard.
type Visibility string

// The visibilities.
const (
	Public    Visibility = "public"   // everyone, and it is listed
	Unlisted  Visibility = "unlisted" // whoever knows its address
	StaffOnly Visibility = "staff"
)

// Freeze keeps what the public sees at what it was at a time, until staff reveal the end.
type Freeze struct {
	At     time.Time // zero for no freeze planned
	Reveal int       // how many of the top ranks are uncovered one by one
}
