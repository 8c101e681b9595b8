// Package rank holds the standings of leaderboards in memory. The append-only log of entries
// is the truth; everything here follows from it and is rebuilt from it. A rank is never stored.
package rank

import (
	"context"
	"iter"

	"liveboard/metrics"
)

// Entry is one line of the score log. Which fields a kind uses, the kind says. Entries are
// numbered from 1 without a gap, over all leaderboards.
type Entry struct {
	Number     uint64
	Kind       Kind
	Board      string // the leaderboard's name
	Received   int64  // Unix milliseconds; never less than that of the entry before
	Player     uint32 // the player's number in the leaderboard: 0, 1, 2 … in order of first appearance
	At         int64  // of a Scored, Flagged: when it was achieved; of a Froze: when that was. Unix milliseconds
	Value      float64
	Subs       []metrics.Sub
	Previous   uint64 // of a Scored: the player's Scored before it in the log, 0 for none
	Target     uint64 // the entry that a Removed, Undone is about
	ID         string // of a Joined, Flagged: the player's id. Moderate and Audit fill it in for all that is about a player
	Name       string // of a Joined, Renamed
	Attributes metrics.Labels
	By         string // who did what is no Scored: a token's name, or "local"
	Reason     string // in words, for the audit; may be empty
}

// Kind is what an Entry tells. The numbers stand in databases and are never given to another kind.
type Kind uint8

// The kinds of entries.
const (
	Joined   Kind = 1  // Player appears, with ID, Name and Attributes
	Changed  Kind = 2  // Player's own submission brought another Name (if not "") and Attributes (those named)
	Scored   Kind = 3  // Player achieved Value with Subs At
	Flagged  Kind = 4  // a submission of Value with Subs At was refused: Reason says why. ID and Name are as sent; Player is 0 where the ID is new
	Removed  Kind = 5  // staff: the score of entry Target, which is Player's, does not count
	Hidden   Kind = 6  // staff: Player is in no standings; scores go on being logged
	Banned   Kind = 7  // staff: as Hidden, and submissions are refused
	Renamed  Kind = 8  // staff: Player is called Name; the player's own submissions do not change that
	Undone   Kind = 9  // staff: the moderation of entry Target is taken back
	Froze    Kind = 10 // staff: from At on the public sees the standings of that moment
	Revealed Kind = 11 // staff: the public sees one more of the covered ranks, the lowest first; the first Revealed uncovers all beyond Freeze.Reveal. Value is how many stay covered; with 0 the freeze is over
	Thawed   Kind = 12 // staff: the freeze is over
)

// Log keeps the entries. The Ledger is its only writer, and calls Append, Keep from one goroutine.
type Log interface {
	// Append makes entries, and the keys of the requests that brought them, durable in one
	// transaction, all of them or none. Their Numbers follow on the last one's.
	Append(ctx context.Context, entries []Entry, requests []Request) error
	// Keep makes the answers to requests durable that Append has noted before.
	Keep(ctx context.Context, answers []Request) error
	// Request returns what is known of a leaderboard's Idempotency-Key; ok is false where that is nothing.
	Request(ctx context.Context, board, key string) (r Request, ok bool, err error)
	// Entries yields the entries of one leaderboard (of all, for "") in order. An entry is valid
	// until the next one is asked for, its strings and slices for ever.
	Entries(ctx context.Context, board string) iter.Seq2[*Entry, error]
	// Entry returns one entry. It is quick for those that stand near others asked for lately.
	Entry(ctx context.Context, number uint64) (Entry, error)
	// Last returns the number of the newest entry, 0 for none.
	Last() uint64
}

// Request is a submission that bore an Idempotency-Key.
type Request struct {
	Board  string
	Key    string
	Hash   [32]byte // SHA-256 of its body
	First  uint64   // the first entry it brought
	Count  int      // how many
	At     int64    // Unix milliseconds; keys are forgotten a day later
	Answer []byte   // nil while none is kept
}
