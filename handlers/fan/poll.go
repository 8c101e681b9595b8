package fan

import (
	"bytes"
	"context"

	"liveboard/views/press"
)

// Poll returns the body of an answer with the first frames of the stream that q asks for. It waits until there are some
// other than heartbeats, or ctx or the fan ends: then it says hello alone. who names the client, which is counted as
// one who looks for a while longer; see press.Page.JoinFor.
func (f *Fan) Poll(ctx context.Context, q Request, who press.Poller) []byte {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.stopping, cancel)()
	p := &poll{fan: f, shows: q.Shows}
	for _, name := range q.Gone {
		p.frames = append(p.frames, press.Bye(press.Gone, name, 0))
	}
	for !p.round(ctx, who) {
	}
	return p.body(q.Encoding)
}

// poll gathers the frames of one answer.
type poll struct {
	fan    *Fan
	shows  []Show
	frames []*press.Frame
}

// round looks at the pages until there is an answer. It returns false when one of them was replaced.
func (p *poll) round(ctx context.Context, who press.Poller) (done bool) {
	news := make(chan struct{}, 1)
	viewers := make([]*press.Viewer, len(p.shows))
	for i, show := range p.shows {
		p.frames = append(p.frames, show.Page.Hello(show.Name, retry()))
		viewers[i] = show.Page.JoinFor(who, show.Cursor)
		defer viewers[i].LeaveFor(who)
		defer show.Page.Watch(func() { wake(news) }).Close()
	}
	for {
		answered, gone := p.look(viewers)
		switch {
		case answered: // a page that is gone is the next poll's matter
			return true
		case gone:
			return p.renew()
		}
		select {
		case <-news:
		case <-ctx.Done():
			return true
		}
	}
}

// look takes what is new, and reports whether that is an answer, and whether a page is gone.
func (p *poll) look(viewers []*press.Viewer) (answered, gone bool) {
	for _, v := range viewers {
		d, err := v.Take()
		if err != nil {
			gone = true
		} else if len(d.Frames) > 0 && !d.Beats {
			p.frames = append(p.frames, d.Frames...)
			answered = true
		}
	}
	return answered, gone
}

// renew asks again for the pages that are gone, and reports whether there is nothing to wait for any more.
func (p *poll) renew() (done bool) {
	var still []Show
	for _, show := range p.shows {
		if !show.Page.Gone() {
			still = append(still, show)
			continue
		}
		page, err := p.fan.press.Page(show.View)
		if err != nil {
			p.frames = append(p.frames, press.Bye(press.Gone, show.Name, 0))
			continue
		}
		show.Page, show.Cursor = page, ""
		still = append(still, show)
	}
	done = len(still) < len(p.shows)
	p.shows = still
	return done
}

// body joins the frames as a whole answer.
func (p *poll) body(e press.Encoding) []byte {
	var b bytes.Buffer
	b.Write(e.Head())
	for _, f := range p.frames {
		b.Write(f.Encoded(e, false))
	}
	b.Write(e.Tail(p.frames))
	return b.Bytes()
}
