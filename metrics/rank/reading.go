package rank

import (
	"time"

	"liveboard/metrics"
)

// Ask says which standings are wanted, and which part of them.
type Ask struct {
	Window string // a period's name, for the window of now, or a Window's Key; "" is the first period's
	Group  string // "team:red", or "red" where the leaderboard has one group attribute; "" is everybody
	Offset int    // rows to leave out
	Limit  int    // rows at most; 0 means 50, at most 1000
	Staff  bool   // may see through a freeze, and hidden leaderboards
	Sparks bool   // fill in Row.Spark
	Groups bool   // fill in Page.Groups
}

// Page is a part of the standings of one window at one moment. It is the caller's.
type Page struct {
	Spec     *metrics.Leaderboard
	Window   Window
	Group    string  // as in Ask, in the long form
	Groups   []Group // by key; nil unless asked for
	Total    int     // rows in all
	Offset   int     // of the first of Rows
	Rows     []Row
	NewestAt int64     // of the newest score that counts, Unix milliseconds; 0 for none
	FrozenAt time.Time // since when the public sees no change; zero where it sees all
	Covered  int       // during a reveal: how many of the top ranks of the first window are not shown yet. Rows of these players bear a Rank and nothing else, in every window
	Stepping bool      // a reveal is under way
}

// Row is one player's place.
type Row struct {
	Rank       int
	Player     string // the id
	Key        uint32 // the player's number: short, and the same in all windows
	Name       string
	Score      float64 // what is kept, see metrics.Keep
	At         int64   // when it was reached, Unix milliseconds
	Scores     int     // how many scores it is made of
	Subs       []metrics.Sub
	Attributes metrics.Labels
	Move       Move
	Spark      []float64 // the newest scores submitted, oldest first, at most 12
}

// Move tells how a rank has changed since the last whole hour or day, as the leaderboard's Moves says.
type Move struct {
	New bool // the player had no rank then
	Up  int  // places won; negative where lost
}

// Group is one of the values of a group attribute.
type Group struct {
	Key     string // "team:red"
	Players int    // in the window
}

// Window is one stretch of time of a period.
type Window struct {
	Period   metrics.Period
	Key      string    // names it for ever: "all", "2026-11-22", "2026-W47", "2026-11", "2026-11-22T13:00Z", a season's name
	Title    string    // "22 November 2026"
	From, To time.Time // zero where it has no beginning, no end
	Closed   bool      // its end has come: it only changes by late scores and by moderation
}

// Profile is what there is to know about one player in one window.
type Profile struct {
	Row        Row
	Window     Window
	Total      int
	Percentile float64 // share of the players in the window who are not better, 0 to 100
	Next       *Gap    // nil for the first
	History    []Past  // the newest first, at most 100, over all windows
	Standings  []Standing
}

// Gap is the way to the next better rank.
type Gap struct {
	Rank   int
	Player string
	Name   string
	Points float64 // the distance of the scores
}

// Past is a score submitted before.
type Past struct {
	Entry   uint64
	At      int64
	Value   float64
	Subs    []metrics.Sub
	Removed bool // by staff; only staff are told of it
}

// Standing is a player's rank in one of the windows of now.
type Standing struct {
	Window string  `json:"window"` // its Key
	Rank   int     `json:"rank"`
	Total  int     `json:"total"`
	Score  float64 `json:"score"`
}
