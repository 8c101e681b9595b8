package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// Score is the command "score": everything about the leaderboards of a server that runs. The
// token stands in LIVEBOARD_TOKEN, not in a flag: a command line is for all to see.
type Score struct {
	URL string `default:"http://127.0.0.1:8080" env:"LIVEBOARD_URL" help:"Where the server is. A token, where one is needed, stands in LIVEBOARD_TOKEN."`

	Add    Add    `cmd:"" help:"Submit a score."`
	List   List   `cmd:"" help:"Show standings."`
	CSV    CSV    `cmd:"" name:"csv" help:"Write all standings of a window as CSV."`
	Hide   Hide   `cmd:"" help:"Take a player out of the standings."`
	Ban    Ban    `cmd:"" help:"Take a player out of the standings and refuse further scores."`
	Rename Rename `cmd:"" help:"Give a player another name, for good."`
	Remove Remove `cmd:"" help:"Take one score away."`
	Undo   Undo   `cmd:"" help:"Take a moderation back."`
	Freeze Freeze `cmd:"" help:"Let the public see the standings of this moment until they are revealed or thawed."`
	Reveal Reveal `cmd:"" help:"Uncover the next of the frozen ranks, the lowest first."`
	Thaw   Thaw   `cmd:"" help:"End a freeze."`
	Audit  Audit  `cmd:"" help:"Show what staff did and what was refused."`
}

// AfterApply hands every command below the server it asks.
func (s Score) AfterApply(k *kong.Context) error {
	if !strings.HasPrefix(s.URL, "http://") && !strings.HasPrefix(s.URL, "https://") {
		return fmt.Errorf("--url %s: write it with http:// or https:// before it", s.URL)
	}
	k.Bind(&Client{URL: s.URL, Token: os.Getenv("LIVEBOARD_TOKEN"), Out: k.Stdout})
	return nil
}

// Add submits a score.
type Add struct {
	Board      string             `arg:"" help:"The leaderboard."`
	Player     string             `arg:"" help:"The player's id."`
	Score      float64            `arg:"" help:"The score."`
	Name       string             `help:"The player's name, as people read it."`
	At         int64              `help:"When it was achieved, in Unix milliseconds; now where it is left out."`
	Sub        map[string]float64 `help:"A sub-score, as deaths=3; may be repeated."`
	Attributes map[string]string  `name:"attribute" help:"An attribute of the player, as team=red; may be repeated."`
	Key        string             `help:"An Idempotency-Key: the same command with the same key counts once."`
}

// Run submits the score and prints the ranks.
func (a Add) Run(c *Client) error {
	in := map[string]any{"player": a.Player, "score": a.Score}
	if a.Name != "" {
		in["name"] = a.Name
	}
	if a.At != 0 {
		in["at"] = a.At
	}
	if len(a.Sub) > 0 {
		in["sub"] = a.Sub
	}
	if len(a.Attributes) > 0 {
		in["attributes"] = a.Attributes
	}
	var headers []string
	if a.Key != "" {
		headers = []string{"Idempotency-Key", a.Key}
	}
	var out outcome
	if err := c.call(context.Background(), http.MethodPost, leaderboard(a.Board, "scores"), nil, in, &out, headers...); err != nil {
		return err
	}
	return c.printOutcome(out)
}

// shown says which standings are wanted.
type shown struct {
	Window string `help:"all, day, week … for the one of now, or the key of another; the first of the leaderboard where it is left out."`
	Group  string `help:"A group, as team:red."`
	Staff  bool   `help:"See what only staff see."`
}

func (s shown) query() url.Values {
	query := url.Values{}
	if s.Window != "" {
		query.Set("window", s.Window)
	}
	if s.Group != "" {
		query.Set("group", s.Group)
	}
	if s.Staff {
		query.Set("view", "staff")
	}
	return query
}

// List shows standings.
type List struct {
	Board string `arg:"" help:"The leaderboard."`
	shown `embed:""`

	Offset int `help:"How many rows to leave out."`
	Limit  int `default:"50" help:"How many rows to show, at most 1000."`
}

// Run prints the rows.
func (l List) Run(c *Client) error {
	query := l.query()
	query.Set("offset", strconv.Itoa(l.Offset))
	query.Set("limit", strconv.Itoa(l.Limit))
	var page standings
	if err := c.call(context.Background(), http.MethodGet, leaderboard(l.Board), query, nil, &page); err != nil {
		return err
	}
	return c.printStandings(page)
}

// CSV writes all standings of a window.
type CSV struct {
	Board string `arg:"" help:"The leaderboard."`
	shown `embed:""`
}

// Run writes what the server sends.
func (f CSV) Run(c *Client) error {
	resp, err := c.send(context.Background(), http.MethodGet, leaderboard(f.Board)+".csv", f.query(), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return c.copy(resp.Body)
}
