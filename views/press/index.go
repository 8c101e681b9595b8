package press

import (
	"context"
	"fmt"
	"sync"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/live"
	"liveboard/metrics/rank"
	"liveboard/views"
	"liveboard/views/panels"
)

// index prints the list of dashboards, each with the states of its panels.
type index struct {
	hub     *live.Hub
	screens []*screen // one for each dashboard, in its own range

	mu   sync.Mutex
	last *sheet
}

func (x *index) sheet(ctx context.Context, maxAge time.Duration) *sheet {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := time.Now()
	rev := x.hub.Rev()
	if s := x.last; s != nil && rev <= s.rev && now.Sub(s.at) < maxAge && stands(s.at, now) {
		return s
	}
	cards := make([]views.Card, len(x.screens))
	for i, sc := range x.screens {
		cards[i] = card(ctx, sc, maxAge)
	}
	x.last = &sheet{html: render(views.Cards(cards)), rev: rev, at: now}
	return x.last
}

func card(ctx context.Context, sc *screen, maxAge time.Duration) views.Card {
	d := sc.dashboard
	counts := map[string]int{}
	for _, pr := range sc.printers {
		p := pr.sheet(ctx, maxAge).panel
		if p.State != panels.Fresh {
			counts[string(p.State)]++
		} else {
			counts[string(p.Level)]++
		}
	}
	c := views.Card{Name: d.Name, Title: d.Title, Text: d.Text, Href: "/d/" + d.Name, Panels: plural(len(d.Panels), "panel")}
	for _, k := range []struct{ state, text string }{
		{string(metrics.Crit), "critical"},
		{string(panels.Failed), "failing"},
		{string(metrics.Warn), "warning"},
		{string(panels.Stale), "stale"},
		{string(panels.Empty), "empty"},
	} {
		if n := counts[k.state]; n > 0 {
			c.Counts = append(c.Counts, views.Count{State: k.state, Text: fmt.Sprintf("%d %s", n, k.text)})
		}
	}
	return c
}

// boardIndex prints the list of leaderboards that everyone may know of.
type boardIndex struct {
	press  *Press
	ranked []*metrics.Leaderboard

	mu   sync.Mutex
	last *sheet
}

func (x *boardIndex) sheet(ctx context.Context, maxAge time.Duration) *sheet {
	x.mu.Lock()
	defer x.mu.Unlock()
	rev, now := x.press.hub.Rev(), time.Now()
	if s := x.last; s != nil && rev <= s.rev && now.Sub(s.at) < maxAge && stands(s.at, now, x.ranked...) {
		return s
	}
	var cards []views.BoardCard
	for _, spec := range x.ranked {
		cards = append(cards, x.card(ctx, spec))
	}
	x.last = &sheet{html: render(views.BoardCards(cards)), rev: rev, at: now}
	return x.last
}

// listed returns the leaderboards that everyone may know of.
func listed(board *metrics.Board) []*metrics.Leaderboard {
	var those []*metrics.Leaderboard
	for i := range board.Leaderboards {
		if spec := &board.Leaderboards[i]; spec.Visibility == metrics.Public {
			those = append(those, spec)
		}
	}
	return those
}

// card tells who leads; where that cannot be told, the leaderboard's page says why.
func (x *boardIndex) card(ctx context.Context, spec *metrics.Leaderboard) views.BoardCard {
	c := views.BoardCard{Name: spec.Name, Title: spec.Title, Text: spec.Text, Href: "/b/" + spec.Name}
	board, err := x.press.boards.Board(ctx, spec.Name)
	if err != nil {
		return c
	}
	page, err := board.Page(ctx, rank.Ask{Limit: 1})
	if err != nil {
		return c
	}
	c.Players = plural(page.Total, "player")
	if len(page.Rows) > 0 && page.Rows[0].Player != "" {
		c.Leader, c.Score = page.Rows[0].Name, spec.ScoreText(page.Rows[0].Score)
	}
	return c
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
