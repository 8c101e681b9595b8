package data

import (
	"slices"

	"liveboard/metrics"
)

// boardRef is a panel that shows a leaderboard, and where the file says so.
type boardRef struct {
	panel metrics.Panel
	found found
}

// refer notes a panel's leaderboard, to be looked for once all sections are read.
func (r *boardParser) refer(p *metrics.Panel, found found) {
	if p.Leaderboard != "" || p.Period != "" {
		r.refs = append(r.refs, boardRef{*p, found})
	}
}

// checkRefs reports panels that show what is not there.
func (r *boardParser) checkRefs(b *metrics.Board) {
	for _, ref := range r.refs {
		l, err := b.Leaderboard(ref.panel.Leaderboard)
		switch {
		case ref.panel.Leaderboard == "":
			r.fail(placeOf(ref.found["window"]), "the window is that of a leaderboard; add leaderboard: with its name")
		case err != nil:
			r.fail(placeOf(ref.found["leaderboard"]), "this board has no leaderboard %q; describe it under leaderboards:, or show another", ref.panel.Leaderboard)
		default:
			r.checkPeriod(l, ref)
		}
	}
}

func (r *boardParser) checkPeriod(l *metrics.Leaderboard, ref boardRef) {
	names := make([]string, len(l.Periods))
	for i, p := range l.Periods {
		names[i] = p.Name
	}
	if period := ref.panel.Period; period != "" && !slices.Contains(names, period) {
		r.fail(placeOf(ref.found["window"]), "the leaderboard %q has no window %q; %s", l.Name, period, oneOf(names))
	}
}
