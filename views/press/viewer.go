package press

import (
	"context"
	"time"
)

// Viewer is one who looks at a page: a place in its log. It is for one goroutine.
type Viewer struct {
	page  *Page
	at    uint64 // number of the first entry not yet taken
	whole bool   // what it holds is no state of this page: it needs the whole
}

// Join returns a viewer that holds the state of that cursor. A foreign, unknown, too old or empty
// cursor is no error: it means the viewer gets everything. Leave it when done.
func (p *Page) Join(cursor string) *Viewer {
	p.mu.Lock()
	p.viewers++
	start := !p.running && !p.gone
	p.running = p.running || start
	p.mu.Unlock()
	p.tick(forever, time.Time{})
	if start {
		p.press.loops.Go(p.run)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.place(cursor)
	return &Viewer{page: p, at: at, whole: !ok}
}

// Leave ends the viewing.
func (v *Viewer) Leave() {
	v.page.mu.Lock()
	defer v.page.mu.Unlock()
	v.page.viewers--
	v.page.asked = time.Now()
}

// Delivery is what takes a viewer to the newest state: frames to send in order.
type Delivery struct {
	Frames []*Frame
	Since  time.Time // when the oldest of the changes in it came; zero when it holds none
	Beats  bool      // there is nothing but heartbeats in it
}

// Next blocks until there is something that the viewer has not seen, and returns it. Who comes
// seldom gets several frames at once, or the whole newest state: frames are lost, never state.
// It returns ctx.Err() when ctx ends, and ErrGone once the page was replaced.
func (v *Viewer) Next(ctx context.Context) (Delivery, error) {
	for {
		d, news, err := v.take()
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

func (v *Viewer) take() (d Delivery, news <-chan struct{}, err error) {
	p := v.page
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return d, nil, ErrGone
	}
	end := p.start + uint64(len(p.log))
	if v.whole || v.at < p.start {
		v.whole, v.at = false, end
		return Delivery{Frames: []*Frame{p.fullFrame()}}, nil, nil
	}
	d.Beats = true
	for _, e := range p.log[v.at-p.start:] {
		d.Frames = append(d.Frames, e.frame)
		d.Beats = d.Beats && e.from == e.to
		if d.Since.IsZero() {
			d.Since = e.since
		}
	}
	v.at = end
	return d, p.news, nil
}
