package rank

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"sync"

	"liveboard/metrics"
)

// maxGroup is how many scores and actions a group has, from which on it is closed.
const maxGroup = 5_000

// LedgerConfig says what a Ledger works with.
type LedgerConfig struct {
	Log  Log
	Bell func(boards []string) // told the leaderboards that moved, after they did; must not block; may be nil
}

// Ledger holds all leaderboards whose scores are submitted. Make it with NewLedger.
type Ledger struct {
	config    LedgerConfig
	committer *metrics.Committer[*job]
	received  int64         // of the newest entry; only the committer's goroutine and NewLedger use it
	flags     rates[string] // by leaderboard, and by that and player; only the committer's goroutine uses it

	mu     sync.RWMutex
	boards map[string]*Board
}

// NewLedger returns a ledger of the leaderboards, rebuilt from the log.
func NewLedger(ctx context.Context, c LedgerConfig, specs []metrics.Leaderboard) (*Ledger, error) {
	if c.Bell == nil {
		c.Bell = func([]string) {}
	}
	l := &Ledger{config: c}
	if last := c.Log.Last(); last > 0 {
		e, err := c.Log.Entry(ctx, last)
		if err != nil {
			return nil, fmt.Errorf("read entry %d: %w", last, err)
		}
		l.received = e.Received
	}
	if err := l.open(ctx, specs); err != nil {
		return nil, err
	}
	l.committer = metrics.NewCommitter(maxGroup, (*job).weight, l.commit)
	return l, nil
}

// Set replaces the leaderboards. Those whose standings depend on what has changed in their description are rebuilt
// from the log, and submissions wait meanwhile. No bell rings.
func (l *Ledger) Set(ctx context.Context, specs []metrics.Leaderboard) error {
	return l.do(ctx, &job{set: func() error { return l.open(ctx, specs) }}).err
}

// open makes the boards of specs; those whose standings would be as they are stay.
func (l *Ledger) open(ctx context.Context, specs []metrics.Leaderboard) error {
	boards := make(map[string]*Board, len(specs))
	var rebuilt []*metrics.Leaderboard
	stay := make(map[*Board]*metrics.Leaderboard)
	for i := range specs {
		spec := specs[i]
		if spec.Query != nil {
			continue
		}
		if b, err := l.Board(spec.Name); err == nil && reflect.DeepEqual(rules(*b.spec), rules(spec)) {
			boards[spec.Name], stay[b] = b, &spec
		} else {
			rebuilt = append(rebuilt, &spec)
		}
	}
	opened, err := openBoards(ctx, rebuilt, l.config.Log)
	if err != nil {
		return err
	}
	maps.Copy(boards, opened)
	for b, spec := range stay {
		b.describe(spec)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.boards = boards
	return nil
}

// rules returns the description without what standings do not depend on.
func rules(spec metrics.Leaderboard) metrics.Leaderboard {
	spec.Title, spec.Text, spec.Unit, spec.Decimals = "", "", "", 0
	spec.Limits, spec.Visibility, spec.Signed = metrics.ScoreLimits{}, "", false
	return spec
}

// Current is Board, after it has been rebuilt from the log where the machine's clock was set back from its windows.
func (l *Ledger) Current(ctx context.Context, name string) (*Board, error) {
	b, err := l.Board(name)
	if err != nil || !b.strayed() {
		return b, err
	}
	if err := l.do(ctx, &job{set: func() error { return nil }}).err; err != nil { // commit does it
		return nil, err
	}
	return l.Board(name)
}

// renew rebuilds the boards whose windows are not those of the clock any more. Only the committer's goroutine calls it.
func (l *Ledger) renew(ctx context.Context) error {
	var specs []*metrics.Leaderboard
	for _, b := range l.boards {
		if b.strayed() {
			specs = append(specs, b.spec)
		}
	}
	if len(specs) == 0 {
		return nil
	}
	opened, err := openBoards(ctx, specs, l.config.Log)
	if err != nil {
		return metrics.Because(err, metrics.Unavailable, "The leaderboards cannot be rebuilt at the moment: try again in a few seconds.")
	}
	boards := maps.Clone(l.boards)
	maps.Copy(boards, opened)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.boards = boards
	return nil
}

// Close refuses further submissions and returns once those under way are through.
func (l *Ledger) Close() { l.committer.Close() }

// Board returns the leaderboard of that name, or an error of kind NotFound. Those fed by a query are none of the ledger's.
func (l *Ledger) Board(name string) (*Board, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if b := l.boards[name]; b != nil {
		return b, nil
	}
	return nil, metrics.Errorf(metrics.NotFound, "There is no leaderboard named %q.", name)
}

// Submission is one request of scores, recorded whole or not at all.
type Submission struct {
	Board  string
	Scores []metrics.Score // 1 to 1000
	Key    string          // the Idempotency-Key; "" for none
	Hash   [32]byte        // of the body, beside a Key
	By     string          // who submits, for flags and audit
	Staff  bool            // may be told more than the public sees
}

// Answer tells what came of a submission.
type Answer struct {
	Leaderboard string    `json:"leaderboard"`
	Frozen      bool      `json:"frozen,omitempty"` // the public sees none of it yet, and only staff are told ranks
	Results     []Outcome `json:"results"`          // one for each score
}

// Outcome is what came of one score.
type Outcome struct {
	Entry     uint64     `json:"entry"`
	Player    string     `json:"player"`
	Score     float64    `json:"score"`     // what the player has now in the first period's window; what was submitted where no ranks are told
	Before    int        `json:"before"`    // rank before, 0 for none
	After     int        `json:"rank"`      // rank after, 0 for none (hidden, or outside the window)
	Standings []Standing `json:"standings"` // in each window of now
}

// Action is a moderation: an Entry of one of the staff's kinds.
type Action struct {
	Board  string
	Kind   Kind   // Removed, Hidden, Banned, Renamed, Undone, Froze, Revealed, Thawed
	Player string // the id; of Hidden, Banned, Renamed
	Name   string // of Renamed
	Target uint64 // of Removed, Undone
	By     string
	Reason string
}
