package rank

import (
	"context"

	"liveboard/metrics"
)

// How many rows an Ask gets.
const (
	usualRows = 50
	maxRows   = 1000
)

// Page returns a part of the standings. Errors are of kind NotFound (window, group) or Invalid (offset,
// limit), and for who is not staff NotFound on a leaderboard for staff only.
func (b *Board) Page(ctx context.Context, a Ask) (Page, error) {
	if err := a.check(); err != nil {
		return Page{}, err
	}
	var p Page
	var v *view
	err := b.look(ctx, a, func(s *sight) error {
		p, v = s.page(a.Offset, a.limit()), s.view
		return nil
	})
	return b.finished(ctx, a, v, p, err)
}

// Around returns the rows of the player and of n players before and behind.
// The error is of kind NotFound where the player has no rank in the window.
func (b *Board) Around(ctx context.Context, a Ask, player string, n int) (Page, error) {
	if n < 0 || 2*n+1 > maxRows {
		return Page{}, metrics.Errorf(metrics.Invalid, "Ask for 0 to %d players before and behind.", (maxRows-1)/2)
	}
	var p Page
	var v *view
	err := b.look(ctx, a, func(s *sight) error {
		number, ok := b.players.lookup(player)
		if !ok {
			return b.unknown(player)
		}
		_, position, ok := s.place(number)
		if !ok {
			return b.unknown(player)
		}
		first := max(0, position-n)
		p, v = s.page(first, position+n+1-first), s.view
		return nil
	})
	return b.finished(ctx, a, v, p, err)
}

// finished returns the page of a view with the sparks that are asked for.
func (b *Board) finished(ctx context.Context, a Ask, v *view, p Page, err error) (Page, error) {
	if err == nil && a.Sparks {
		err = b.fillSparks(ctx, a.Staff, v, p.Rows)
	}
	if err != nil {
		return Page{}, err
	}
	return p, nil
}

// Windows returns those of now, one for each period, and then the closed ones that have scores, newest first.
func (b *Board) Windows(ctx context.Context, staff bool) ([]Window, error) {
	var windows []Window
	err := b.look(ctx, Ask{Staff: staff}, func(s *sight) error {
		for _, span := range s.view.spans {
			w := span.now.window
			w.Closed = w.ended(s.view.now())
			windows = append(windows, w)
		}
		windows = append(windows, s.view.past()...)
		return nil
	})
	return windows, err
}

func (a Ask) limit() int {
	if a.Limit == 0 {
		return usualRows
	}
	return a.Limit
}

func (a Ask) check() error {
	switch {
	case a.Offset < 0:
		return metrics.Errorf(metrics.Invalid, "The offset must not be below 0.")
	case a.Limit < 0 || a.Limit > maxRows:
		return metrics.Errorf(metrics.Invalid, "The limit must be from 1 to %d.", maxRows)
	}
	return nil
}
