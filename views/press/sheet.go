package press

import (
	"bytes"
	"context"
	"sync"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/metrics/rank"
	"liveboard/views/panels"
)

// part is one of the things that a screen is made of: a panel, a leaderboard, or the list of dashboards.
type part interface {
	// sheet returns the newest print: the same as before when neither the data has moved nor the
	// print is older than maxAge (a print says how old its data is, so it ages itself).
	sheet(ctx context.Context, maxAge time.Duration) *sheet
}

// sheet is one print of one part. It is never changed.
type sheet struct {
	html    []byte
	anatomy anatomy
	panel   *panels.Print // nil for what is no panel
	ranking *rankingSheet // nil for what is no leaderboard
	rev     live.Rev      // taken before the data was read
	at      time.Time     // of the print

	arrivals *arrivalsSheet // nil for what is not the list of what came in
}

// next returns how a viewer who holds from gets to s, empty when they look the same, and whether
// there is such a way; see the function next.
func (s *sheet) next(from *sheet) (elements []byte, ok bool) {
	if bytes.Equal(s.html, from.html) {
		return nil, true
	}
	if s.ranking != nil && from.ranking != nil {
		return s.ranking.next(from.ranking)
	}
	if s.arrivals != nil && from.arrivals != nil {
		return s.arrivals.next(from.arrivals)
	}
	if s.panel == nil || from.panel == nil {
		return nil, false
	}
	step, ok := chartStep(from.panel.Chart, s.panel.Chart)
	if !ok {
		return nil, false
	}
	if elements, ok = next(from.anatomy, s.anatomy, step); !ok || s.panel.Ranking == nil {
		return elements, ok
	}
	rows, ok := s.panel.Ranking.Next(from.panel.Ranking)
	return append(elements, rows...), ok
}

func chartStep(from, to *panels.Chart) (step string, ok bool) {
	if from == nil || to == nil {
		return "", from == to
	}
	return to.Step(from)
}

// printer prints one panel in one range, for every page that shows it.
type printer struct {
	press     *Press
	dashboard string
	panel     *metrics.Panel
	span      metrics.Range
	topics    []string
	queries   []asker                                   // one for each of the panel's
	ranking   func(context.Context) (*rank.Page, error) // nil for a panel without a leaderboard
	ranked    []*metrics.Leaderboard                    // that one

	mu   sync.Mutex
	last *sheet
}

// asker answers one query at a time that only goes forward.
type asker interface {
	At(ctx context.Context, now time.Time) metrics.Result
}

func (p *Press) newPrinter(dashboard string, panel *metrics.Panel, span metrics.Range) (*printer, error) {
	pr := &printer{press: p, dashboard: dashboard, panel: panel, span: span}
	if panel.Leaderboard != "" {
		if err := pr.rank(); err != nil {
			return nil, err
		}
	}
	for _, q := range panel.Queries {
		pr.topics = append(pr.topics, query.Names(q.Expr)...)
		if panels.Needs(panel.Kind) != panels.Range {
			pr.queries = append(pr.queries, instant{p.engine, q.Expr, span})
			continue
		}
		l, err := p.engine.Live(q.Expr, span)
		if err != nil {
			return nil, err
		}
		pr.queries = append(pr.queries, l)
	}
	return pr, nil
}

// instant asks for the values at the end of a window.
type instant struct {
	engine *query.Engine
	expr   string
	span   metrics.Range
}

func (q instant) At(ctx context.Context, now time.Time) metrics.Result {
	return q.engine.Instant(ctx, q.expr, time.UnixMilli(q.span.Window(now).To))
}

// panelRows is how many places a panel shows at most; its height may show fewer.
const panelRows = 50

// rank makes pr print standings.
func (pr *printer) rank() error {
	spec, err := pr.press.board.Leaderboard(pr.panel.Leaderboard)
	if err != nil {
		return err
	}
	pr.topics = append(pr.topics, query.Topics(spec)...)
	pr.ranked = []*metrics.Leaderboard{spec}
	pr.ranking = func(ctx context.Context) (*rank.Page, error) {
		board, err := pr.press.boards.Board(ctx, spec.Name)
		if err != nil {
			return nil, err
		}
		page, err := board.Page(ctx, rank.Ask{Window: pr.panel.Period, Limit: panelRows, Sparks: true})
		return &page, err
	}
	return nil
}

func (pr *printer) sheet(ctx context.Context, maxAge time.Duration) *sheet {
	pr.mu.Lock()
	defer pr.mu.Unlock()
	rev, now := pr.press.hub.Rev(), time.Now()
	if s := pr.last; s != nil && pr.press.hub.Newest(pr.topics...) <= s.rev && now.Sub(s.at) < maxAge && stands(s.at, now, pr.ranked...) {
		return s
	}
	s := pr.print(ctx, now)
	s.rev, s.at = rev, now
	pr.last = s
	pr.press.prints.Observe(time.Since(now).Seconds())
	return s
}

func (pr *printer) print(ctx context.Context, now time.Time) *sheet {
	in := panels.Input{
		Dashboard: pr.dashboard,
		Panel:     pr.panel,
		Results:   make([]metrics.Result, len(pr.queries)),
		Window:    pr.span.Window(now),
		Now:       now,
	}
	for i, q := range pr.queries {
		in.Results[i] = q.At(ctx, now)
	}
	if pr.ranking != nil {
		in.Ranking, in.RankingErr = pr.ranking(ctx)
	}
	var before *panels.Print
	if pr.last != nil {
		before = pr.last.panel
	}
	s := &sheet{panel: panels.Make(in, before)}
	s.html = render(panels.Article(s.panel))
	s.anatomy = dissect(s.html)
	return s
}
