package client

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// outcome is the answer to one score.
type outcome struct {
	Leaderboard string
	Frozen      bool
	Entry       uint64
	Player      string
	Score       float64
	Before      int
	Rank        int
	Standings   []struct {
		Window string
		Rank   int
		Total  int
		Score  float64
	}
}

// standings is a part of the standings of a window.
type standings struct {
	Leaderboard string
	Title       string
	Group       string
	FrozenAt    int64 `json:"frozen_at"`
	Total       int
	Next        *string
	Rows        []struct {
		Rank    int
		Covered bool
		Player  string
		Name    string
		Score   float64
		At      int64
		Move    *int
	}
}

// entry is what staff did, or a submission that was flagged.
type entry struct {
	Entry  uint64
	Kind   string
	At     int64
	By     string
	Reason string
	Player string
	Name   string
	Target uint64
	Score  *float64
}

// printOutcome prints one line, and one for each window.
func (c *Client) printOutcome(o outcome) error {
	return c.table(func(w io.Writer) {
		fmt.Fprintf(w, "entry %d: %s has %s on %s\n", o.Entry, shownText(o.Player), number(o.Score), o.Leaderboard)
		if o.Frozen {
			fmt.Fprintln(w, "the standings are frozen: ranks are not told")
			return
		}
		for _, s := range o.Standings {
			fmt.Fprintf(w, "%s\trank %d of %d\t%s\n", s.Window, s.Rank, s.Total, number(s.Score))
		}
	})
}

func (c *Client) printStandings(p standings) error {
	return c.table(func(w io.Writer) {
		fmt.Fprintf(w, "%s, %s%s: %d in all%s\n", p.Leaderboard, p.Title, before(", ", shownText(p.Group)), p.Total, before(", frozen at ", when(p.FrozenAt)))
		fmt.Fprint(w, "RANK\tMOVE\tNAME\tPLAYER\tSCORE\tAT\n")
		for _, r := range p.Rows {
			if r.Covered {
				fmt.Fprintf(w, "%d\t\tnot revealed yet\n", r.Rank)
				continue
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Rank, move(r.Move), shownText(r.Name), shownText(r.Player), number(r.Score), when(r.At))
		}
	})
}

func (c *Client) printEntries(entries []entry) error {
	return c.table(func(w io.Writer) {
		fmt.Fprint(w, "ENTRY\tAT\tBY\tWHAT\tPLAYER\tDETAILS\n")
		for _, e := range entries {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Entry, when(e.At), shownText(e.By), e.Kind, shownText(e.Player), e.details())
		}
	})
}

func (e entry) details() string {
	var parts []string
	if e.Target != 0 {
		parts = append(parts, "entry "+strconv.FormatUint(e.Target, 10))
	}
	if e.Score != nil {
		parts = append(parts, number(*e.Score))
	}
	for _, text := range []string{e.Name, e.Reason} {
		if text != "" {
			parts = append(parts, shownText(text))
		}
	}
	return strings.Join(parts, ", ")
}

// table prints lines whose cells end with tabs, in columns.
func (c *Client) table(print func(io.Writer)) error {
	w := tabwriter.NewWriter(c.Out, 0, 0, 2, ' ', 0)
	print(w)
	return w.Flush()
}

func (c *Client) copy(from io.Reader) error {
	if _, err := io.Copy(c.Out, from); err != nil {
		return fmt.Errorf("the file is cut off: %w", err)
	}
	return nil
}

// shownText keeps a stranger's text from moving the cursor, and from breaking the columns.
func shownText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func before(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func when(at int64) string {
	if at == 0 {
		return ""
	}
	return time.UnixMilli(at).Format("2006-01-02 15:04:05")
}

func move(places *int) string {
	switch {
	case places == nil:
		return "new"
	case *places == 0:
		return "="
	}
	return fmt.Sprintf("%+d", *places)
}
