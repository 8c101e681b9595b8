package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// because is why staff do something.
type because struct {
	Reason string `help:"Why, for the audit."`
}

// moderate does something as staff and prints its entry.
func (b because) moderate(c *Client, method, path, name string) error {
	in := map[string]string{}
	if b.Reason != "" {
		in["reason"] = b.Reason
	}
	if name != "" {
		in["name"] = name
	}
	var done entry
	if err := c.call(context.Background(), method, path, nil, in, &done); err != nil {
		return err
	}
	return c.printEntries([]entry{done})
}

// Hide takes a player out of the standings.
type Hide struct {
	Board   string `arg:"" help:"The leaderboard."`
	Player  string `arg:"" help:"The player's id."`
	because `embed:""`
}

// Run hides the player.
func (h Hide) Run(c *Client) error {
	return h.moderate(c, http.MethodPost, leaderboard(h.Board, "players", h.Player, "hide"), "")
}

// Ban takes a player out of the standings and refuses further scores.
type Ban struct {
	Board   string `arg:"" help:"The leaderboard."`
	Player  string `arg:"" help:"The player's id."`
	because `embed:""`
}

// Run bans the player.
func (b Ban) Run(c *Client) error {
	return b.moderate(c, http.MethodPost, leaderboard(b.Board, "players", b.Player, "ban"), "")
}

// Rename gives a player another name.
type Rename struct {
	Board   string `arg:"" help:"The leaderboard."`
	Player  string `arg:"" help:"The player's id."`
	Name    string `arg:"" help:"The new name."`
	because `embed:""`
}

// Run renames the player.
func (n Rename) Run(c *Client) error {
	return n.moderate(c, http.MethodPost, leaderboard(n.Board, "players", n.Player, "rename"), n.Name)
}

// Remove takes one score away.
type Remove struct {
	Board   string `arg:"" help:"The leaderboard."`
	Entry   uint64 `arg:"" help:"The score's entry, as the answer to it and the player's history tell."`
	because `embed:""`
}

// Run removes the score.
func (m Remove) Run(c *Client) error {
	return m.moderate(c, http.MethodDelete, leaderboard(m.Board, "scores", strconv.FormatUint(m.Entry, 10)), "")
}

// Undo takes a moderation back.
type Undo struct {
	Board   string `arg:"" help:"The leaderboard."`
	Entry   uint64 `arg:"" help:"The moderation's entry, as the audit tells."`
	because `embed:""`
}

// Run takes the moderation back.
func (u Undo) Run(c *Client) error {
	return u.moderate(c, http.MethodPost, leaderboard(u.Board, "audit", strconv.FormatUint(u.Entry, 10), "undo"), "")
}

// Freeze keeps what the public sees.
type Freeze struct {
	Board   string `arg:"" help:"The leaderboard."`
	because `embed:""`
}

// Run begins a freeze.
func (f Freeze) Run(c *Client) error {
	return f.moderate(c, http.MethodPost, leaderboard(f.Board, "freeze"), "")
}

// Reveal uncovers the next of the frozen ranks.
type Reveal struct {
	Board   string `arg:"" help:"The leaderboard."`
	because `embed:""`
}

// Run takes one step of the reveal.
func (v Reveal) Run(c *Client) error {
	return v.moderate(c, http.MethodPost, leaderboard(v.Board, "reveal"), "")
}

// Thaw ends a freeze.
type Thaw struct {
	Board   string `arg:"" help:"The leaderboard."`
	because `embed:""`
}

// Run ends the freeze.
func (t Thaw) Run(c *Client) error {
	return t.moderate(c, http.MethodPost, leaderboard(t.Board, "thaw"), "")
}

// Audit shows what staff did and what was refused.
type Audit struct {
	Board  string `arg:"" help:"The leaderboard."`
	Before uint64 `help:"Go on from this entry."`
	Limit  int    `default:"50" help:"How many to show, at most 1000."`
}

// Run prints the entries, the newest first.
func (a Audit) Run(c *Client) error {
	query := url.Values{"limit": {strconv.Itoa(a.Limit)}}
	if a.Before > 0 {
		query.Set("before", strconv.FormatUint(a.Before, 10))
	}
	var log struct{ Entries []entry }
	if err := c.call(context.Background(), http.MethodGet, leaderboard(a.Board, "audit"), query, nil, &log); err != nil {
		return err
	}
	return c.printEntries(log.Entries)
}
