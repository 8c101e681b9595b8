package press

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// tellEvery is how often at most a page tells how many look.
const tellEvery = time.Second

// pollGrace is how long one who polled counts as somebody who looks, unless they come again before.
const pollGrace = 30 * time.Second

// Bounds of those who are counted although they are not there, in all and of one address: who comes on top of them is
// not counted between two polls.
const (
	maxAbsent    = 10_000
	maxAbsentOne = 64
)

// tellFrom is which part of the viewers must have come or gone to be told of before the next beat.
const tellFrom = 0.01

// audience counts who looks at what: a subject is the name of a dashboard, or "b/" and that of a leaderboard.
type audience struct {
	changed func(subjects map[string]struct{}) // called at most once every tellEvery

	mu     sync.Mutex
	counts map[string]int
	absent map[absentee][]*absence
	away   int                 // all in absent
	one    map[string]int      // those of each address
	told   map[string]int      // of each subject
	dirty  map[string]struct{} // subjects not yet told of
	timer  *time.Timer         // runs until they may be
	closed bool
}

// absentee is who polls: an address and the name of a browser there.
type absentee struct{ address, browser, subjects string }

// absence is a place that waits for its owner until the timer ends it.
type absence struct{ timer *time.Timer }

func newAudience(changed func(map[string]struct{})) *audience {
	return &audience{changed: changed, counts: map[string]int{}, absent: map[absentee][]*absence{}, one: map[string]int{}, told: map[string]int{}, dirty: map[string]struct{}{}}
}

// subjectsOf returns what the viewers of a view are counted for.
func subjectsOf(v View) []string {
	switch {
	case v.Ranking.Board != "":
		return []string{"b/" + v.Ranking.Board}
	case v.Surface == Index || v.Surface == Arrivals:
		return nil
	}
	names := strings.Split(v.Dashboards, ",")
	slices.Sort(names)
	return slices.Compact(names)
}

func (a *audience) enter(subjects []string) { a.add(subjects, 1) }

func (a *audience) leave(subjects []string) { a.add(subjects, -1) }

func (a *audience) add(subjects []string, n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count(subjects, n)
}

// count needs mu.
func (a *audience) count(subjects []string, n int) {
	if a.closed || len(subjects) == 0 {
		return
	}
	for _, s := range subjects {
		if a.counts[s] += n; a.counts[s] == 0 {
			delete(a.counts, s)
		}
		a.dirty[s] = struct{}{}
	}
	if a.timer == nil {
		a.timer = time.AfterFunc(tellEvery, a.tell)
	}
}

// leaveFor ends a place pollGrace from now, unless who comes back before.
func (a *audience) leaveFor(subjects []string, who absentee) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.away >= maxAbsent || a.one[who.address] >= maxAbsentOne {
		a.count(subjects, -1)
		return
	}
	a.away++
	a.one[who.address]++
	gone := &absence{}
	gone.timer = time.AfterFunc(pollGrace, func() { a.expire(subjects, who, gone) })
	a.absent[who] = append(a.absent[who], gone)
}

// enterAgain takes a place, the one that waits for who if there is one.
func (a *audience) enterAgain(subjects []string, who absentee) {
	a.mu.Lock()
	defer a.mu.Unlock()
	waiting := a.absent[who]
	if len(waiting) == 0 {
		a.count(subjects, 1)
		return
	}
	waiting[0].timer.Stop()
	a.forget(who, waiting[0])
}

func (a *audience) expire(subjects []string, who absentee, gone *absence) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.forget(who, gone) {
		a.count(subjects, -1)
	}
}

// forget reports whether the place was still waiting; it needs mu.
func (a *audience) forget(who absentee, gone *absence) bool {
	i := slices.Index(a.absent[who], gone)
	if i < 0 {
		return false
	}
	a.away--
	if a.one[who.address]--; a.one[who.address] == 0 {
		delete(a.one, who.address)
	}
	if a.absent[who] = slices.Delete(a.absent[who], i, i+1); len(a.absent[who]) == 0 {
		delete(a.absent, who)
	}
	return true
}

func (a *audience) tell() {
	if changed := a.takeChanges(); len(changed) > 0 {
		a.changed(changed)
	}
}

// takeChanges returns the subjects whose counts show a difference.
func (a *audience) takeChanges() map[string]struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	dirty := a.dirty
	a.dirty, a.timer = map[string]struct{}{}, nil
	if a.closed {
		return nil
	}
	for s := range dirty {
		if math.Abs(float64(a.counts[s]-a.told[s])) <= tellFrom*float64(a.told[s]) {
			delete(dirty, s)
		} else if a.told[s] = a.counts[s]; a.told[s] == 0 {
			delete(a.told, s)
		}
	}
	return dirty
}

func (a *audience) of(subjects []string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range subjects {
		n = max(n, a.counts[s])
	}
	return n
}

func (a *audience) all() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.counts)
}

// close stops the timers.
func (a *audience) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
	for _, places := range a.absent {
		for _, gone := range places {
			gone.timer.Stop()
		}
	}
}

// audience is how many look at the page's subject, on whatever page. It takes only the audience's lock.
func (p *Page) audience() int { return p.press.audience.of(p.subjects) }

// Poller names one who comes again and again, and leaves in between.
type Poller struct{ Address, Browser string }

// JoinFor is Join for a poller, whose place is kept for half a minute. End it with LeaveFor. Without a cursor it is not
// counted: it asks for the first time, or beside a stream that has told it that there is news.
func (p *Page) JoinFor(who Poller, cursor string) *Viewer {
	p.enter()
	if cursor != "" {
		p.press.audience.enterAgain(p.subjects, p.absentee(who))
	}
	v := p.viewer(cursor)
	v.uncounted = cursor == ""
	return v
}

// LeaveFor ends the viewing that began with JoinFor.
func (v *Viewer) LeaveFor(who Poller) {
	v.page.leave()
	if v.uncounted {
		return
	}
	v.page.press.audience.leaveFor(v.page.subjects, v.page.absentee(who))
}

func (p *Page) absentee(who Poller) absentee {
	return absentee{who.Address, who.Browser, strings.Join(p.subjects, ",")}
}

// Viewers counts who looks at each dashboard, by name, and at each leaderboard, by "b/" and its name.
func (p *Press) Viewers() map[string]int { return p.audience.all() }

// tellViewers lets the pages that look at one of the subjects tell how many do.
func (p *Press) tellViewers(subjects map[string]struct{}) {
	p.mu.Lock()
	var those []*Page
	for _, page := range p.pages {
		for _, s := range page.subjects {
			if _, moved := subjects[s]; moved {
				those = append(those, page)
				break
			}
		}
	}
	p.mu.Unlock()
	for _, page := range those {
		page.beatToViewers()
	}
}

// beatToViewers is beat, where somebody hears it.
func (p *Page) beatToViewers() {
	p.mu.Lock()
	watched := p.viewers > 0
	p.mu.Unlock()
	if watched {
		p.beat()
	}
}
