package press

import (
	"context"
	"sync"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/query"
	"liveboard/metrics/rank"
	"liveboard/views"
	"liveboard/views/panels"
)

// Boards finds leaderboards with the standings of now; *query.Boards does.
type Boards interface {
	Board(ctx context.Context, name string) (*rank.Board, error)
}

// ranking prints a part of the standings of a leaderboard, or one of its players.
type ranking struct {
	press  *Press
	view   View
	spec   *metrics.Leaderboard
	topics []string

	mu   sync.Mutex
	last *sheet
}

// rankingSheet is what a sheet of a leaderboard was printed from.
type rankingSheet struct {
	page    rank.Page
	profile rank.Profile    // of a player's page
	print   *panels.Ranking // nil for a player's page
	err     error           // why there is nothing to show
}

// rankingScreen needs mu.
func (p *Press) rankingScreen(v View) (*screen, error) {
	spec, err := p.board.Leaderboard(v.Ranking.Board)
	if err != nil {
		return nil, err
	}
	r := &ranking{press: p, view: v, spec: spec, topics: query.Topics(spec)}
	err = r.sheet(p.ctx, forever).ranking.err
	if kind := metrics.KindOf(err); err != nil && (kind == metrics.NotFound || kind == metrics.Invalid) {
		return nil, err // any other may pass, and the page says it
	}
	sc := &screen{board: spec, parts: []part{r}, topics: r.topics, changes: r.changesAfter}
	if v.Surface == Desk && v.Ranking.Find == "" {
		sc.parts = append(sc.parts, &guide{r})
	}
	return sc, nil
}

// guide prints what tells the place of the rows in the whole: that of You, or else the way to the other pages.
type guide struct{ ranking *ranking }

func (g *guide) sheet(ctx context.Context, maxAge time.Duration) *sheet {
	s, v := g.ranking.sheet(ctx, maxAge), g.ranking.view.Ranking
	c := views.Pages(views.Pager(v.pageQuery(), s.ranking.page, v.Limit))
	if v.You != "" {
		c = views.Place(panels.PlaceText(s.ranking.page, v.You))
	}
	return &sheet{html: render(c), rev: s.rev, at: s.at}
}

func (r *ranking) sheet(ctx context.Context, maxAge time.Duration) *sheet {
	r.mu.Lock()
	defer r.mu.Unlock()
	rev, now := r.press.hub.Rev(), time.Now()
	if s := r.last; s != nil && r.press.hub.Newest(r.topics...) <= s.rev && now.Sub(s.at) < maxAge && r.stands(s.at, now) {
		return s
	}
	s := r.print(ctx, now)
	s.rev, s.at = rev, now
	r.last = s
	r.press.prints.Observe(time.Since(now).Seconds())
	return s
}

// stands reports whether a print of that time would look the same now if nobody wrote in between.
func (r *ranking) stands(at, now time.Time) bool {
	return now.Before(r.changesAfter(at)) && turnAt(at, r.view.Turn) == turnAt(now, r.view.Turn)
}

func (r *ranking) print(ctx context.Context, now time.Time) *sheet {
	if r.view.Surface == Player {
		return r.printPlayer(ctx, now)
	}
	page, err := r.read(ctx, now)
	print := panels.MakeRanking(r.input(page, err, now))
	return &sheet{html: render(panels.RankingSection(print)), ranking: &rankingSheet{page: page, print: print, err: err}}
}

func (r *ranking) input(page rank.Page, err error, now time.Time) panels.RankingInput {
	return panels.RankingInput{
		Page:    page,
		Base:    r.base(),
		You:     r.view.Ranking.You,
		Links:   r.view.Surface == Desk,
		Sparks:  true,
		Plain:   r.view.Ranking.Find != "",
		Failure: sentenceOf(err),
		Now:     now,
	}
}

// base is where the leaderboard's pages are.
func (r *ranking) base() string { return "/b/" + r.spec.Name }

// sentenceOf is what a person may know of err, "" for none.
func sentenceOf(err error) string {
	switch {
	case err == nil:
		return ""
	case metrics.KindOf(err) == metrics.Internal:
		return "Something went wrong here. The log has more."
	}
	return err.Error()
}

func (r *ranking) printPlayer(ctx context.Context, now time.Time) *sheet {
	profile, windows, err := r.readPlayer(ctx)
	print := panels.MakeProfile(panels.ProfileInput{
		Spec: r.spec, Profile: profile, Windows: windows, Base: r.base(), Failure: sentenceOf(err), Now: now,
	})
	return &sheet{html: render(panels.ProfileSection(print)), ranking: &rankingSheet{profile: profile, err: err}}
}

func (r *ranking) readPlayer(ctx context.Context) (rank.Profile, []rank.Window, error) {
	board, err := r.press.boards.Board(ctx, r.spec.Name)
	if err != nil {
		return rank.Profile{}, nil, err
	}
	windows, err := board.Windows(ctx, false)
	if err != nil {
		return rank.Profile{}, nil, err
	}
	profile, err := board.Player(ctx, rank.Ask{Window: r.view.Ranking.Window}, r.view.Ranking.You)
	return profile, windows, err
}

// read returns the rows that the view shows at a time.
func (r *ranking) read(ctx context.Context, now time.Time) (rank.Page, error) {
	board, err := r.press.boards.Board(ctx, r.spec.Name)
	if err != nil {
		return rank.Page{}, err
	}
	v := r.view.Ranking
	ask := rank.Ask{Window: v.Window, Group: v.Group, Offset: v.Offset, Limit: v.Limit, Sparks: true}
	switch {
	case v.You != "":
		return board.Around(ctx, ask, v.You, v.Limit/2)
	case v.Find != "":
		rows, err := board.Find(ctx, ask, v.Find)
		return rank.Page{Spec: r.spec, Total: len(rows), Rows: rows}, err
	}
	page, err := board.Page(ctx, ask)
	if r.view.Surface != Kiosk || err != nil || page.Total <= v.Limit {
		return page, err
	}
	pages := int64((page.Total + v.Limit - 1) / v.Limit)
	ask.Offset = int(turnAt(now, r.view.Turn)%pages) * v.Limit
	return board.Page(ctx, ask)
}

// changesAfter returns the first time after t at which the standings may look different although
// nobody wrote: moves count anew, a window ends, a planned freeze begins. Everything but seasons and
// freezes changes on a whole hour of the leaderboard's zone.
func (r *ranking) changesAfter(t time.Time) time.Time {
	next := rank.LastWhole(metrics.Hour, r.spec.Zone, t).Add(time.Hour)
	sooner := func(at time.Time) {
		if at.After(t) && at.Before(next) {
			next = at
		}
	}
	sooner(r.spec.Freeze.At)
	for _, p := range r.spec.Periods {
		sooner(p.From)
		sooner(p.To)
	}
	return next
}

// next returns how a viewer who holds from gets to s.
func (s *rankingSheet) next(from *rankingSheet) (elements []byte, ok bool) {
	if s.print == nil || from.print == nil {
		return nil, false
	}
	return s.print.Next(from.print)
}

// Ranking is what a page of a leaderboard shows. The error says why it shows no rows.
func (s Snapshot) Ranking() (rank.Page, error) {
	r := s.sheets[0].ranking
	return r.page, r.err
}

// Profile is what a player's page shows.
func (s Snapshot) Profile() (rank.Profile, error) {
	r := s.sheets[0].ranking
	return r.profile, r.err
}
