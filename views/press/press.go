// Package press prints each panel at most once per revision, whatever the number of viewers, and
// makes the bytes of the wire: see Page and Frame.
package press

import (
	"context"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/live"
	"liveboard/metrics/query"
	"liveboard/views"
)

// Bounds of what strangers can make the press hold.
const (
	maxPages    = 500
	maxOwnPages = 3000            // of those that one person asked for
	idleFor     = 2 * time.Minute // after which a page that nobody looks at is forgotten
)

// Press holds the pages that are looked at.
type Press struct {
	hub    *live.Hub
	engine *query.Engine
	boards Boards
	build  string
	prints *metrics.Histogram
	ctx    context.Context
	cancel context.CancelFunc
	loops  sync.WaitGroup
	epoch  string // of this process; pages number theirs from it

	audience *audience

	arrivals ArrivalsList
	tokens   TokenNames
	previews previews

	mu       sync.Mutex // before any page's
	board    *metrics.Board
	notice   views.NoticeModel
	pages    map[View]*Page
	printers map[printerKey]*printer
	made     uint64 // pages so far
}

type printerKey struct {
	dashboard, panel string
	span             metrics.Range
}

// New returns a press for the board, which must not be changed; build names this server's build.
// Close it to end its work.
func New(hub *live.Hub, engine *query.Engine, boards Boards, board *metrics.Board, build string) *Press {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Press{
		hub:      hub,
		engine:   engine,
		boards:   boards,
		build:    build,
		prints:   metrics.NewHistogram(printBuckets...),
		ctx:      ctx,
		cancel:   cancel,
		epoch:    strconv.FormatUint(rand.Uint64(), 36),
		board:    board,
		pages:    map[View]*Page{},
		printers: map[printerKey]*printer{},
	}
	p.audience = newAudience(p.tellViewers)
	return p
}

// printBuckets are the upper bounds of print times, in seconds.
var printBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1}

// Close ends every page: its viewers get ErrGone. It waits until nothing prints any more.
func (p *Press) Close() {
	p.mu.Lock()
	p.cancel()
	p.dropAll()
	p.mu.Unlock()
	p.audience.close()
	p.loops.Wait()
}

// Prints counts how many seconds each print of a panel took, queries included.
func (p *Press) Prints() metrics.HistogramSnapshot { return p.prints.Snapshot() }

// SetBoard replaces the board and takes back the notice. Open pages are gone, and whoever looked
// at one gets the new one from Page.
func (p *Press) SetBoard(board *metrics.Board) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.board, p.notice = board, views.NoticeModel{}
	p.dropAll()
}

// SetNotice shows a notice on every desk page.
func (p *Press) SetNotice(n views.NoticeModel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notice = n
	p.dropAll()
}

// Board returns the board and the notice of now.
func (p *Press) Board() (*metrics.Board, views.NoticeModel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.board, p.notice
}

// dropAll needs mu.
func (p *Press) dropAll() {
	for _, page := range p.pages {
		page.close()
	}
	clear(p.pages)
	clear(p.printers)
}

// Page returns the page of the view. The error is of kind NotFound for a name that the board
// has not, Invalid for a view that makes no sense, TooMany when too many views are open at once,
// and Unavailable after Close.
func (p *Press) Page(v View) (*Page, error) {
	if v.Ranking.Board != "" {
		if err := p.checkRanking(v); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return nil, metrics.Errorf(metrics.Unavailable, "The server is stopping.")
	}
	if d, err := p.board.Dashboard(v.Dashboards); err == nil && v.Range == (metrics.Range{}) {
		v.Range.Span = d.Range
	}
	if page := p.pages[v]; page != nil {
		page.ask()
		return page, nil
	}
	p.forgetIdle()
	if most := v.most(); p.alike(v) >= most && !p.forgetOldest(v) {
		return nil, metrics.Errorf(metrics.TooMany, "More than %d different views are open. Try again in a minute.", most)
	}
	screens, err := p.screens(v)
	if err != nil {
		return nil, err
	}
	p.made++
	page := &Page{
		press:    p,
		view:     v,
		epoch:    p.epoch + "." + strconv.FormatUint(p.made, 36),
		notice:   p.notice,
		screens:  screens,
		subjects: subjectsOf(v),
		watches:  map[*Watch]struct{}{},
		asked:    time.Now(),
	}
	page.turn = turnAt(page.asked, v.Turn)
	p.pages[v] = page
	return page, nil
}

// screens needs mu.
func (p *Press) screens(v View) ([]*screen, error) {
	if v.Surface == Index {
		sc, err := p.indexScreen()
		return []*screen{sc}, err
	}
	if v.Surface == Arrivals {
		return []*screen{p.arrivalsScreen(v)}, nil
	}
	if v.Ranking.Board != "" {
		sc, err := p.rankingScreen(v)
		return []*screen{sc}, err
	}
	names := strings.Split(v.Dashboards, ",")
	if len(names) > 1 && (v.Surface != Kiosk || v.Panel != "") {
		return nil, metrics.Errorf(metrics.Invalid, "Only a kiosk shows several dashboards.")
	}
	if len(names) > maxScreens {
		return nil, metrics.Errorf(metrics.Invalid, "A kiosk shows at most %d dashboards.", maxScreens)
	}
	var all []*screen
	for _, name := range names {
		sc, err := p.newScreen(name, v)
		if err != nil {
			return nil, err
		}
		all = append(all, sc)
	}
	return all, nil
}

func (p *Press) newScreen(name string, v View) (*screen, error) {
	d, err := p.board.Dashboard(name)
	if err != nil {
		return nil, err
	}
	shown := d.Panels
	if v.Panel != "" {
		panel, err := d.Panel(v.Panel)
		if err != nil {
			return nil, err
		}
		shown = []metrics.Panel{*panel}
	}
	span := v.Range
	if span == (metrics.Range{}) {
		span.Span = d.Range
	}
	sc := &screen{dashboard: d}
	for i := range shown {
		pr, err := p.printer(d.Name, &shown[i], span)
		if err != nil {
			return nil, err
		}
		sc.parts = append(sc.parts, pr)
		sc.printers = append(sc.printers, pr)
		sc.topics = append(sc.topics, pr.topics...)
		sc.ranked = append(sc.ranked, pr.ranked...)
	}
	slices.Sort(sc.topics)
	sc.topics = slices.Compact(sc.topics)
	return sc, nil
}

func (p *Press) indexScreen() (*screen, error) {
	x, ranked := &index{hub: p.hub}, listed(p.board)
	all := &screen{parts: []part{x, &boardIndex{press: p, ranked: ranked}}, topics: []string{live.Any}, ranked: ranked}
	for _, d := range p.board.Dashboards {
		sc, err := p.newScreen(d.Name, View{})
		if err != nil {
			return nil, err
		}
		x.screens = append(x.screens, sc)
		all.printers = append(all.printers, sc.printers...)
	}
	return all, nil
}

// printer needs mu.
func (p *Press) printer(dashboard string, panel *metrics.Panel, span metrics.Range) (*printer, error) {
	key := printerKey{dashboard, panel.Name, span}
	if pr := p.printers[key]; pr != nil {
		return pr, nil
	}
	pr, err := p.newPrinter(dashboard, panel, span)
	if err == nil {
		p.printers[key] = pr
	}
	return pr, err
}

// forgetIdle forgets pages that nobody has looked at for a while, and printers that no page has; it needs mu.
func (p *Press) forgetIdle() {
	for view, page := range p.pages {
		if page.idle() {
			page.close()
			delete(p.pages, view)
		}
	}
	used := map[*printer]bool{}
	for _, page := range p.pages {
		for _, sc := range page.screens {
			for _, pr := range sc.printers {
				used[pr] = true
			}
		}
	}
	for key, pr := range p.printers {
		if !used[pr] {
			delete(p.printers, key)
		}
	}
	p.previews.forgetIdle()
}

// alike counts the pages that are bounded together with v's; it needs mu.
func (p *Press) alike(v View) (n int) {
	for other := range p.pages {
		if other.own() == v.own() {
			n++
		}
	}
	return n
}

// forgetOldest forgets the page, of those bounded together with v's, that nobody looks at and has
// not for the longest time, and reports whether there was one; it needs mu.
func (p *Press) forgetOldest(v View) bool {
	var oldest *Page
	var asked time.Time
	for other, page := range p.pages {
		if other.own() != v.own() {
			continue
		}
		if at, unwatched := page.unwatchedSince(); unwatched && (oldest == nil || at.Before(asked)) {
			oldest, asked = page, at
		}
	}
	if oldest == nil {
		return false
	}
	oldest.close()
	delete(p.pages, oldest.view)
	return true
}

// ask keeps the page from being forgotten.
func (p *Page) ask() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = time.Now()
}

func (p *Page) unwatchedSince() (asked time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked, p.viewers == 0
}

func (p *Page) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.running && p.viewers == 0 && time.Since(p.asked) > idleFor
}
