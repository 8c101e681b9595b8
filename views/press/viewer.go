package press

import (
	"context"
	"slices"
	"time"
)

// Viewer is one who looks at a page: a place in its log. It is for one goroutine at a time.
type Viewer struct {
	page  *Page
	at    uint64 // number of the first entry not yet taken
	whole bool   // what it holds is no state of this page: it needs the whole
	fed   bool   // what it took last is the entry before at

	uncounted bool // see JoinFor and JoinBeside
}

// Join returns a viewer that holds the state of that cursor, and is counted until it leaves. A foreign, unknown, too
// old or empty cursor is no error: it means the viewer gets everything. Leave it when done.
func (p *Page) Join(cursor string) *Viewer {
	p.enter()
	p.press.audience.enter(p.subjects)
	return p.viewer(cursor)
}

// enter lets the page print, as long as somebody looks.
func (p *Page) enter() {
	p.mu.Lock()
	p.viewers++
	start := !p.running && !p.gone
	p.running = p.running || start
	current := p.current()
	p.mu.Unlock()
	if start || !current {
		p.tick(forever, time.Time{})
	}
	if start {
		p.press.loops.Go(p.run)
	}
}

func (p *Page) viewer(cursor string) *Viewer {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.place(cursor)
	return &Viewer{page: p, at: at, whole: !ok}
}

// Page is where the viewer is.
func (v *Viewer) Page() *Page { return v.page }

// JoinBeside is Join for one who looks at other pages too, on the same connection: it is not counted once more for what
// one of them is of.
func (p *Page) JoinBeside(others []*Viewer, cursor string) *Viewer {
	for _, other := range others {
		if !other.uncounted && slices.Equal(other.page.subjects, p.subjects) {
			p.enter()
			v := p.viewer(cursor)
			v.uncounted = true
			return v
		}
	}
	return p.Join(cursor)
}

// Leave ends the viewing.
func (v *Viewer) Leave() {
	v.page.leave()
	if v.uncounted {
		return
	}
	v.page.press.audience.leave(v.page.subjects)
}

func (p *Page) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.viewers--
	p.asked = time.Now()
}

// Lead returns a viewer at the newest state that is not counted: who writes for many takes once what it takes, for all
// who are abreast of it.
func (p *Page) Lead() *Viewer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Viewer{page: p, at: p.end()}
}

// Place is what a viewer holds. Equal places of one page need the same frames.
type Place struct {
	at    uint64
	whole bool
}

// Place returns where v stands.
func (v *Viewer) Place() Place { return Place{v.at, v.whole} }

// Fed reports whether v took the frame before its place, as every part of a Delivery but a whole state is; see Frame.Encoded.
func (v *Viewer) Fed() bool { return v.fed }

// Follow says that v was given what lead took from the same place.
func (v *Viewer) Follow(lead *Viewer) { v.at, v.whole, v.fed = lead.at, lead.whole, lead.fed }

// Delivery is what takes a viewer to the newest state.
type Delivery struct {
	Frames []*Frame  // in order; each but the first is the one behind the one before it in the log
	Since  time.Time // when the oldest of the changes in it came; zero when it holds none
	Beats  bool      // there is nothing but heartbeats in it

	whole bool // it is the whole state: it follows on nothing
}

// Append appends the encoded frames to bufs. follows is for the first of them, see Frame.Encoded.
func (d Delivery) Append(bufs [][]byte, e Encoding, follows bool) [][]byte {
	for i, f := range d.Frames {
		bufs = append(bufs, f.Encoded(e, follows && !d.whole || i > 0))
	}
	return bufs
}

// Next blocks until there is something that the viewer has not seen, and returns it. Who comes
// seldom gets several frames at once, or the whole newest state: frames are lost, never state.
// It returns ctx.Err() when ctx ends, and ErrGone once the page was replaced.
func (v *Viewer) Next(ctx context.Context) (Delivery, error) {
	news := make(chan struct{}, 1)
	defer v.page.Watch(func() { signal(news) }).Close()
	for {
		d, err := v.Take()
		if err != nil || len(d.Frames) > 0 {
			return d, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return Delivery{}, ctx.Err()
		}
	}
}

// signal wakes who waits for the channel, which has room for one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is awake already
	}
}

// Take is Next without waiting: a Delivery without frames means that there is nothing new.
func (v *Viewer) Take() (Delivery, error) {
	p := v.page
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return Delivery{}, ErrGone
	}
	if v.whole || v.at < p.start || p.tooFar(v.at) {
		v.whole, v.at, v.fed = false, p.end(), false
		return Delivery{Frames: []*Frame{p.fullFrame()}, whole: true}, nil
	}
	news := p.log[v.at-p.start:]
	if len(news) == 0 {
		return Delivery{}, nil
	}
	d := Delivery{Beats: true, Frames: make([]*Frame, 0, len(news))}
	for _, e := range news {
		d.Frames = append(d.Frames, e.frame)
		d.Beats = d.Beats && e.from == e.to
		if d.Since.IsZero() {
			d.Since = e.since
		}
	}
	v.at, v.fed = p.end(), true
	return d, nil
}

// end is the number of the entry that comes next; it needs mu.
func (p *Page) end() uint64 { return p.start + uint64(len(p.log)) }

// tooFar reports whether several entries from that number on are together longer than the whole state, as far as its
// length is known; it needs mu.
func (p *Page) tooFar(at uint64) bool {
	news := p.log[at-p.start:]
	if len(news) < 2 || p.fullLen == 0 {
		return false
	}
	first := news[0]
	return news[len(news)-1].through-first.through+len(first.frame.plain) > p.fullLen
}

// Watch is somebody who wants to know when a page has news.
type Watch struct {
	page *Page
	wake func()
}

// Watch calls wake whenever the log grows or the page is gone, until the watch is closed. wake must not block, and must
// not call the page.
func (p *Page) Watch(wake func()) *Watch {
	w := &Watch{p, wake}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watches[w] = struct{}{}
	return w
}

// Close ends the watch: wake is not called any more once it returns.
func (w *Watch) Close() {
	w.page.mu.Lock()
	defer w.page.mu.Unlock()
	delete(w.page.watches, w)
}

// tell wakes who watches; it needs mu.
func (p *Page) tell() {
	for w := range p.watches {
		w.wake()
	}
}
