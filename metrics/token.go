package metrics

import (
	"slices"
	"strings"
	"time"
)

// The verbs of scopes.
const (
	VerbScore  = "score"  // submit scores
	VerbStaff  = "staff"  // moderate, and whatever VerbScore allows
	VerbIngest = "ingest" // bring samples
)

// AnyBoard stands in a scope for every leaderboard.
const AnyBoard = "*"

// Token tells what its bearer may do. Its secret is known to the bearer alone.
type Token struct {
	ID        string
	Name      string   // who or what it is for
	Scopes    []string // each as ParseScope reads it
	CreatedAt time.Time
	ExpiresAt time.Time // zero for never
	UsedAt    time.Time // zero for never; up to a minute old
	RevokedAt time.Time // zero for never
}

// Allows reports whether one of the scopes covers verb on that leaderboard. It does not look at the times.
func (t Token) Allows(verb, board string) bool {
	return slices.ContainsFunc(t.Scopes, func(scope string) bool {
		v, b, _ := strings.Cut(scope, ":")
		return (v == verb || v == VerbStaff && verb == VerbScore) && (b == board || b == AnyBoard)
	})
}

// MayIngest reports whether one of the scopes lets samples in at all, of whatever name.
func (t Token) MayIngest() bool {
	return slices.ContainsFunc(t.Scopes, func(scope string) bool {
		verb, _, _ := strings.Cut(scope, ":")
		return verb == VerbIngest
	})
}

// Ingests reports whether one of the scopes lets in samples of the metric called name.
func (t Token) Ingests(name string) bool {
	return slices.ContainsFunc(t.Scopes, func(scope string) bool {
		verb, prefix, _ := strings.Cut(scope, ":")
		return verb == VerbIngest && strings.HasPrefix(name, prefix)
	})
}

// ParseScope reads a scope such as score:arcade, staff:*, ingest, or ingest:shop_, which lets in metrics whose names
// begin with shop_. of is the leaderboard, or the prefix. The error is of kind Invalid.
func ParseScope(text string) (verb, of string, err error) {
	verb, of, found := strings.Cut(text, ":")
	switch verb {
	case VerbScore, VerbStaff:
		if of == AnyBoard || boardName(of) {
			return verb, of, nil
		}
	case VerbIngest:
		if !found || checkName("prefix", of, true) == nil {
			return verb, of, nil
		}
	}
	return "", "", Errorf(Invalid, "%q is no scope; write score:{leaderboard} or staff:{leaderboard}, with * for every one, or ingest, or ingest:{prefix of metric names}", text)
}

// boardName reports whether name can be that of a leaderboard.
func boardName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// SigningKey is one of the keys that sign the submissions to a leaderboard.
type SigningKey struct {
	Board     string
	ID        string
	CreatedAt time.Time
	RevokedAt time.Time // zero for never
}
