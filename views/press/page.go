package press

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/live"
	"liveboard/views"
)

// ErrGone is what viewers of a page get once it was replaced, by a new board for example.
// Ask the press for the page again.
var ErrGone = errors.New("page gone")

// Bounds of a page's log: who falls out of it gets the newest whole state.
const (
	maxLogEntries = 64
	maxLogBytes   = 256 << 10
	maxOwnBytes   = 16 << 10 // of a page that one person alone looks at
)

// linger is how long a page goes on printing without a viewer: long enough for one who polls or reconnects.
const linger = 30 * time.Second

// freshFor is the age up to which a print may still be shown to one who comes new.
const freshFor = time.Second

// Page is what all viewers of one View look at. It prints while somebody looks: each tick once,
// into a log that all viewers share. A viewer is a place in that log.
//
// A page has its own epoch and its own revisions: a cursor of another page is foreign here and
// means "send everything".
type Page struct {
	press    *Press
	view     View
	epoch    string
	notice   views.NoticeModel
	screens  []*screen
	subjects []string // see audience

	printing sync.Mutex // held from reading the data until the log has the tick; before mu

	mu      sync.Mutex
	turn    int64    // that is on, see turnAt
	shown   []*sheet // what the newest revision shows, one for each part of the screen
	rev     uint64   // zero before the first print
	looked  live.Rev // the hub's at the newest tick
	log     []entry
	start   uint64              // number of log[0], counted from the page's first entry
	bytes   int                 // in log
	full    *Frame              // the whole newest state, nil until somebody needs it
	fullLen int                 // of the last whole state that somebody needed, in plain bytes
	watches map[*Watch]struct{} // of those who want to know when the log grows
	gone    bool
	viewers int
	running bool
	asked   time.Time // when somebody last looked
}

// screen is one dashboard, one panel of it, a leaderboard, the list of dashboards, or that of what came in.
type screen struct {
	dashboard *metrics.Dashboard   // nil for what is none
	board     *metrics.Leaderboard // nil for what is none
	parts     []part
	printers  []*printer // that the parts print with
	topics    []string
	ranked    []*metrics.Leaderboard // that it shows: they may look different without a write
	every     time.Duration          // after which it is printed again without a write; 0 for never
}

// entry is one tick or one heartbeat.
type entry struct {
	frame    *Frame
	through  int       // plain bytes of all entries up to this one, from the page's first
	from, to uint64    // the page's revisions before and after it; the same for a heartbeat
	since    time.Time // when the first of the changes in it came; zero for what is no change
}

// Epoch is the part of the page's cursors that no other page's have.
func (p *Page) Epoch() string { return p.epoch }

// Gone reports whether the page was replaced, or is no more.
func (p *Page) Gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

// Snapshot is a page's whole state at one revision.
type Snapshot struct {
	View        View
	Cursor      string
	Build       string
	Notice      views.NoticeModel
	Dashboard   *metrics.Dashboard   // the one that is on; nil for the list of dashboards and for leaderboards
	Leaderboard *metrics.Leaderboard // nil for what is none
	Screen      int                  // which of Screens that is
	Screens     []*metrics.Dashboard // all that a kiosk shows in turn
	TurnAt      time.Time            // when the next one comes, on a kiosk with several
	Viewers     int                  // who look at the same
	sheets      []*sheet
}

// Snapshot returns what the page shows now, printed anew where that is older than a second.
func (p *Page) Snapshot() Snapshot {
	p.tick(freshFor, time.Time{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = time.Now()
	return p.snapshot()
}

// snapshot needs mu.
func (p *Page) snapshot() Snapshot {
	s := Snapshot{
		View:        p.view,
		Cursor:      cursorOf(p.epoch, p.rev),
		Build:       p.press.build,
		Notice:      p.notice,
		Dashboard:   p.on(p.turn).dashboard,
		Leaderboard: p.on(p.turn).board,
		Screen:      int(p.turn % int64(len(p.screens))),
		TurnAt:      p.nextTurn(time.Now()),
		Viewers:     p.audience(),
		sheets:      p.shown,
	}
	for _, sc := range p.screens {
		s.Screens = append(s.Screens, sc.dashboard)
	}
	return s
}

// tick prints what has moved, and what is older than maxAge, and appends the difference to the
// log; when another screen's time has come, or what stands above it has changed, that screen whole.
func (p *Page) tick(maxAge time.Duration, since time.Time) {
	p.printing.Lock()
	defer p.printing.Unlock()
	looked := p.press.hub.Rev()
	turn := turnAt(time.Now(), p.view.Turn)
	p.mu.Lock()
	before := p.shown
	if turn != p.turn {
		before = nil
	}
	p.mu.Unlock()

	parts := p.on(turn).parts
	now := make([]*sheet, len(parts))
	for i, pt := range parts {
		now[i] = pt.sheet(p.press.ctx, maxAge)
	}
	if before != nil && p.view.Surface == Kiosk && headOf(before) != headOf(now) {
		before = nil
	}
	p.publish(turn, before, now, since)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looked = looked
}

// current reports whether a tick would find nothing; it needs mu.
func (p *Page) current() bool { return p.rev > 0 && p.looked == p.press.hub.Rev() }

// publish makes the sheets the newest state, and tells those who hold the one before.
func (p *Page) publish(turn int64, before, now []*sheet, since time.Time) {
	var c *composer
	if before != nil {
		if c = difference(before, now); c == nil {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rev++
	p.turn, p.shown, p.full = turn, now, nil
	switch {
	case c != nil:
		c.cursor(cursorOf(p.epoch, p.rev))
		p.append(entry{frame: c.frame(), from: p.rev - 1, to: p.rev, since: since})
	case p.rev > 1:
		p.append(entry{frame: p.fullFrame(), from: p.rev - 1, to: p.rev, since: since})
	}
}

// difference returns the events that take a viewer from one state of a screen to the next, or nil for none.
func difference(before, now []*sheet) *composer {
	var fulls, nexts bytes.Buffer
	for i, s := range now {
		if s == before[i] {
			continue
		}
		if elements, ok := s.next(before[i]); ok {
			nexts.Write(elements)
		} else {
			fulls.Write(s.html)
		}
	}
	if fulls.Len() == 0 && nexts.Len() == 0 {
		return nil
	}
	c := newComposer()
	if fulls.Len() > 0 {
		c.patch(fulls.Bytes())
	}
	if nexts.Len() > 0 {
		c.feed(nexts.Bytes())
	}
	return c
}

// append needs mu.
func (p *Page) append(e entry) {
	if p.gone {
		return
	}
	e.through = len(e.frame.plain)
	if n := len(p.log); n > 0 {
		e.frame.before = p.log[n-1].frame.plain
		e.through += p.log[n-1].through
	}
	p.log = append(p.log, e)
	p.bytes += len(e.frame.plain)
	drop := 0
	for len(p.log)-drop > maxLogEntries || p.bytes > p.view.logBytes() && len(p.log)-drop > 1 {
		p.bytes -= len(p.log[drop].frame.plain)
		drop++
	}
	p.start += uint64(drop)
	p.log = slices.Delete(p.log, 0, drop)
	p.tell()
}

// fullFrame returns the whole state as one frame; it needs mu.
func (p *Page) fullFrame() *Frame {
	if p.full == nil {
		c := newComposer()
		c.patch(p.snapshot().shell())
		c.cursor(cursorOf(p.epoch, p.rev))
		p.full = c.frame()
		p.fullLen = len(p.full.plain)
	}
	return p.full
}

// run prints while somebody looks, beats, and turns a kiosk's screens.
func (p *Page) run() {
	nextBeat := time.Now().Add(Beat)
	for p.runScreen(&nextBeat) {
	}
}

// runScreen runs until the next turn, until what is on changes by itself, or until somebody has set the clock; it returns
// false when the page shall rest.
func (p *Page) runScreen(nextBeat *time.Time) bool {
	now := time.Now()
	end := p.nextChange(now)
	watch := p.press.hub.Watch(p.on(turnAt(now, p.view.Turn)).topics...)
	defer watch.Close()
	p.tick(forever, time.Time{}) // after the watch began: a repeat is possible, a gap is not
	for !wasSet(now, time.Now()) {
		if !time.Now().Before(end) {
			return true
		}
		until := *nextBeat
		if end.Before(until) {
			until = end
		}
		wait, cancel := context.WithDeadline(p.press.ctx, until)
		since, err := watch.Wait(wait)
		cancel()
		if errors.Is(err, live.ErrClosed) || p.press.ctx.Err() != nil || p.rest() {
			return false
		}
		if err == nil {
			p.tick(forever, since)
			p.restFor(p.view.pace())
		}
		if !time.Now().Before(*nextBeat) {
			*nextBeat = time.Now().Add(Beat)
			p.beat()
		}
	}
	*nextBeat = time.Now() // ages go by what heartbeats tell
	return true
}

// forever is an age that no print reaches: only a write changes a screen that is watched.
const forever = time.Duration(1<<63 - 1)

// rest reports whether the page may stop printing, and says that it did.
func (p *Page) rest() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone && (p.viewers > 0 || time.Since(p.asked) < linger) {
		return false
	}
	p.running = false
	return true
}

func (p *Page) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.append(entry{frame: beat(cursorOf(p.epoch, p.rev), p.audience()), from: p.rev, to: p.rev})
}

// nextTurn returns when the next turn begins.
func (p *Page) nextTurn(now time.Time) time.Time {
	if p.view.Turn == 0 {
		return now.Add(forever)
	}
	seconds := int64(p.view.Turn.Seconds())
	return time.Unix((turnAt(now, p.view.Turn)+1)*seconds, 0)
}

// nextChange returns when the page has to be printed again although nobody wrote.
func (p *Page) nextChange(now time.Time) time.Time {
	next, on := p.nextTurn(now), p.on(turnAt(now, p.view.Turn))
	if at := changesAfter(now, on.ranked...); at.Before(next) {
		next = at
	}
	if at := now.Add(on.every); on.every > 0 && at.Before(next) {
		next = at
	}
	return next
}

// on returns the screen of a turn.
func (p *Page) on(turn int64) *screen { return p.screens[turn%int64(len(p.screens))] }

// turnAt numbers the turns. All kiosks with the same list and the same turn change together,
// whatever page and server they have: it depends on the clock alone.
func turnAt(now time.Time, turn time.Duration) int64 {
	if turn == 0 {
		return 0
	}
	return now.Unix() / int64(turn.Seconds())
}

// restFor waits, though not beyond the end of the press.
func (p *Page) restFor(d time.Duration) {
	if d == 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-p.press.ctx.Done():
	}
}

// close ends the page for good.
func (p *Page) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		p.gone = true
		p.tell()
	}
}

// place returns the number of the first entry that one with that cursor has not seen; it needs
// mu. It is not ok when the cursor is of another page or fell out of the log.
func (p *Page) place(cursor string) (at uint64, ok bool) {
	i := strings.LastIndexByte(cursor, '-')
	if i < 0 || cursor[:i] != p.epoch {
		return 0, false
	}
	rev, err := strconv.ParseUint(cursor[i+1:], 10, 64)
	if err != nil || rev > p.rev || rev == 0 {
		return 0, false
	}
	n, _ := slices.BinarySearchFunc(p.log, rev+1, func(e entry, to uint64) int { return cmp.Compare(e.to, to) })
	holds := p.rev
	if n < len(p.log) {
		holds = p.log[n].from
	}
	return p.start + uint64(n), holds == rev
}
