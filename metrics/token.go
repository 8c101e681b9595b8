package metrics

import (
	"slices"
	"strings"
	"time"
)

// The verbs of scopes.
const (
	VerbScore = "score" // submit scores
	VerbStaff = "staff" // moderate, and whatever VerbScore allows
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

// ParseScope reads a scope such as score:arcade or staff:*. The error is of kind Invalid.
func ParseScope(text string) (verb, board string, err error) {
	verb, board, ok := strings.Cut(text, ":")
	if !ok || verb != VerbScore && verb != VerbStaff || board != AnyBoard && !boardName(board) {
		return "", "", Errorf(Invalid, "%q is no scope; write score:{leaderboard} or staff:{leaderboard}, with * for every one", text)
	}
	return verb, board, nil
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
