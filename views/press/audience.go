package press

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// tellEvery is how often at most a page tells how many look.
const tellEvery = time.Second

// pollGrace is how long one who polled counts as somebody who looks, unless they come again before.
const pollGrace = 30 * time.Second

// maxAbsent bounds those who are counted although they are not there; who comes on top of them is not counted between
// two polls.
const maxAbsent = 10_000

// audience counts who looks at what: a subject is the name of a dashboard, or "b/" and that of a leaderboard.
type audience struct {
	changed func(subjects map[string]struct{}) // called at most once every tellEvery

	mu     sync.Mutex
	counts map[string]int
	absent map[string][]*absence // by whom
	away   int                   // all in absent
	dirty  map[string]struct{}   // subjects not yet told of
	timer  *time.Timer           // runs until they may be
	closed bool
}

// absence is a place that waits for its owner until the timer ends it.
type absence struct{ timer *time.Timer }

func newAudience(changed func(map[string]struct{})) *audience {
	return &audience{changed: changed, counts: map[string]int{}, absent: map[string][]*absence{}, dirty: map[string]struct{}{}}
}

// subjectsOf returns what the viewers of a view are counted for.
func subjectsOf(v View) []string {
	switch {
	case v.Ranking.Board != "":
		return []string{"b/" + v.Ranking.Board}
	case v.Surface == Index:
		return nil
	}
	return strings.Split(v.Dashboards, ",")
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
func (a *audience) leaveFor(subjects []string, who string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.away >= maxAbsent {
		a.count(subjects, -1)
		return
	}
	a.away++
	gone := &absence{}
	gone.timer = time.AfterFunc(pollGrace, func() { a.expire(subjects, who, gone) })
	a.absent[who] = append(a.absent[who], gone)
}

// enterAgain takes a place, the one that waits for who if there is one.
func (a *audience) enterAgain(subjects []string, who string) {
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

func (a *audience) expire(subjects []string, who string, gone *absence) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.forget(who, gone) {
		a.count(subjects, -1)
	}
}

// forget reports whether the place was still waiting; it needs mu.
func (a *audience) forget(who string, gone *absence) bool {
	i := slices.Index(a.absent[who], gone)
	if i < 0 {
		return false
	}
	a.away--
	if a.absent[who] = slices.Delete(a.absent[who], i, i+1); len(a.absent[who]) == 0 {
		delete(a.absent, who)
	}
	return true
}

func (a *audience) tell() {
	a.mu.Lock()
	dirty := a.dirty
	a.dirty, a.timer = map[string]struct{}{}, nil
	closed := a.closed
	a.mu.Unlock()
	if !closed {
		a.changed(dirty)
	}
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

// JoinFor is Join for one who comes again and again, and leaves in between: who names them, and their place is kept
// for half a minute. End it with LeaveFor.
func (p *Page) JoinFor(who, cursor string) *Viewer {
	p.enter()
	p.press.audience.enterAgain(p.subjects, p.placeOf(who))
	return p.viewer(cursor)
}

// LeaveFor ends the viewing that began with JoinFor.
func (v *Viewer) LeaveFor(who string) {
	v.page.leave()
	v.page.press.audience.leaveFor(v.page.subjects, v.page.placeOf(who))
}

func (p *Page) placeOf(who string) string { return who + " " + strings.Join(p.subjects, ",") }

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
