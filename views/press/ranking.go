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

// checkRanking returns why there can be no page of a view of a leaderboard. What it reads may have to be
// rebuilt from the log: it must not be called with mu held.
func (p *Press) checkRanking(v View) error {
	p.mu.Lock()
	spec, err := p.board.Leaderboard(v.Ranking.Board)
	_, open := p.pages[v]
	p.mu.Unlock()
	if open || err != nil {
		return err
	}
	r := &ranking{press: p, view: v, spec: spec}
	if v.Surface == Player {
		_, _, err = r.readPlayer(p.ctx)
	} else {
		_, err = r.read(p.ctx, time.Now())
	}
	if kind := metrics.KindOf(err); err != nil && (kind == metrics.NotFound || kind == metrics.Invalid) {
		return err
	}
	return nil // any other may pass, and the page says it
}

// rankingScreen needs mu.
func (p *Press) rankingScreen(v View) (*screen, error) {
	spec, err := p.board.Leaderboard(v.Ranking.Board)
	if err != nil {
		return nil, err
	}
	r := &ranking{press: p, view: v, spec: spec, topics: query.Topics(spec)}
	sc := &screen{board: spec, parts: []part{r}, topics: r.topics, ranked: []*metrics.Leaderboard{spec}}
	if v.Surface == Desk && v.Ranking.Find == "" {
		sc.parts = append(sc.parts, &guide{r})
	}
	return sc, nil
}

// guide prints what tells the place of the rows in the whole: that of You, or else the way to the other pages.
type guide struct{ ranking *ranking }

// sheet goes by the rows that are shown: it stands behind them in the screen, and so is printed after them.
func (g *guide) sheet(context.Context, time.Duration) *sheet {
	s, v := g.ranking.newest(), g.ranking.view.Ranking
	c := views.Pages(views.Pager(v.pageQuery(), s.ranking.page, v.Limit))
	if v.You != "" {
		c = views.Place(panels.PlaceText(s.ranking.page, v.You))
	}
	return &sheet{html: render(c), rev: s.rev, at: s.at}
}

func (r *ranking) newest() *sheet {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
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
	return stands(at, now, r.spec) && turnAt(at, r.view.Turn) == turnAt(now, r.view.Turn)
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
		Now:     now.In(r.spec.Zone),
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
		Spec: r.spec, Profile: profile, Windows: windows, Base: r.base(), Failure: sentenceOf(err), Now: now.In(r.spec.Zone),
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
	ask := rank.Ask{Window: v.Window, Group: v.Group, Offset: v.Offset, Limit: v.Limit, Sparks: true, Groups: r.view.Surface == Desk}
	switch {
	case v.You != "":
		return board.Around(ctx, ask, v.You, v.Limit/2)
	case v.Find != "":
		return found(ctx, board, ask, v.Find)
	}
	page, err := board.Page(ctx, ask)
	if r.view.Surface != Kiosk || err != nil || page.Total <= v.Limit {
		return page, err
	}
	pages := int64((page.Total + v.Limit - 1) / v.Limit)
	ask.Offset = int(turnAt(now, r.view.Turn)%pages) * v.Limit
	return board.Page(ctx, ask)
}

// found returns the rows of players whose name or id holds the text, as the page of their window and group.
func found(ctx context.Context, board *rank.Board, ask rank.Ask, text string) (rank.Page, error) {
	rows, err := board.Find(ctx, ask, text)
	if err != nil {
		return rank.Page{}, err
	}
	ask.Offset, ask.Limit = 0, 1
	page, err := board.Page(ctx, ask)
	page.Rows, page.Total = rows, len(rows)
	return page, err
}

// stands reports whether a print of that time, in which the leaderboards are, would look the same now if nobody wrote in between.
func stands(at, now time.Time, specs ...*metrics.Leaderboard) bool {
	return now.Before(changesAfter(at, specs...)) && !wasSet(at, now)
}

// changesAfter returns the first time after t at which the leaderboards may look different although
// nobody wrote: moves count anew, a window ends, a planned freeze begins. Everything but seasons and
// freezes changes on a whole hour of a leaderboard's zone. Without any it is never.
func changesAfter(t time.Time, specs ...*metrics.Leaderboard) time.Time {
	next := t.Add(forever)
	sooner := func(at time.Time) {
		if at.After(t) && at.Before(next) {
			next = at
		}
	}
	for _, spec := range specs {
		sooner(rank.LastWhole(metrics.Hour, spec.Zone, t).Add(time.Hour))
		sooner(spec.Freeze.At)
		for _, p := range spec.Periods {
			sooner(p.From)
			sooner(p.To)
		}
	}
	return next
}

// headOf is what a kiosk tells above the standings that the sheets show; "" above anything else.
func headOf(sheets []*sheet) string {
	if len(sheets) == 0 || sheets[0].ranking == nil {
		return ""
	}
	page := sheets[0].ranking.page
	return headText(page) + "\n" + positionText(page)
}

// headText names the window and the group.
func headText(page rank.Page) string {
	if page.Group == "" {
		return page.Window.Title
	}
	return page.Window.Title + " · " + page.Group
}

// positionText tells which rows a kiosk shows, "" where it shows all.
func positionText(page rank.Page) string {
	if page.Total <= len(page.Rows) {
		return ""
	}
	return views.Position(page)
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
