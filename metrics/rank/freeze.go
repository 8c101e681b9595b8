package rank

import (
	"context"
	"time"

	"liveboard/metrics"
)

// freeze is how the public's view stands still.
type freeze struct {
	at       time.Time          // since when
	cut      cut                // the entries that the public knows
	stepping bool               // a reveal is under way: the windows stay those of at, and the cut is that of its first step
	covered  int                // of the top ranks, while stepping
	was      map[uint32]persona // the players that have changed themselves after the cut
}

// persona is what players say of themselves.
type persona struct {
	name       string
	attributes metrics.Labels
}

// cut says which entries the public knows: those before one of the log, or those before a time.
type cut struct {
	before   uint64 // 0 where the time decides
	received int64  // Unix milliseconds
}

func (c cut) holds(e *Entry) bool {
	if c.before > 0 {
		return e.Number < c.before
	}
	return e.Received < c.received
}

// begin freezes the public's view from an entry on, or where that is nil from a time on.
func (b *Board) begin(at time.Time, e *Entry) {
	c := cut{received: at.UnixMilli()}
	if e != nil {
		c.before = e.Number
	}
	b.freeze = &freeze{at: at, cut: c, was: make(map[uint32]persona)}
	b.refreeze()
}

// refreeze makes the public's view follow the freeze. While the board is loading, the loader does.
func (b *Board) refreeze() {
	switch {
	case b.freeze == nil:
		b.public = nil
	case !b.loading:
		b.public = b.live.clone(b.freeze)
	}
}

// steer takes in a Froze, Revealed or Thawed.
func (b *Board) steer(e *Entry) {
	switch {
	case e.Kind == Froze && b.freeze == nil:
		b.begin(time.UnixMilli(e.At), e)
	case e.Kind == Revealed && b.freeze != nil:
		b.reveal(e)
	case e.Kind == Thawed:
		b.freeze = nil
		b.refreeze()
	}
}

// steps reports whether a reveal is under way for this audience.
func (v *view) steps() bool { return v.frozen != nil && v.frozen.stepping }

// reveal uncovers one more rank. The first step shows the final standings but for the top of them, see
// unveil; with the last one the freeze is over.
func (b *Board) reveal(e *Entry) {
	covered := int(e.Value)
	switch {
	case covered <= 0:
		b.freeze = nil
		b.refreeze()
	case b.freeze.stepping:
		b.freeze.covered = covered
	default:
		b.freeze = b.freeze.final(e.Number)
		b.freeze.covered = covered
	}
}

// final returns the freeze of a reveal whose first step is the entry of that number.
func (f *freeze) final(number uint64) *freeze {
	return &freeze{at: f.at, cut: cut{before: number}, stepping: true, was: make(map[uint32]persona)}
}

// unveil makes what the public sees from the first step of a reveal on, and says in e how many ranks a step
// leaves covered; the view is nil for a later step. Only the committer's goroutine, which calls it, changes
// what the view is made of, so that nobody has to wait for the log to be read.
func (b *Board) unveil(e *Entry) (*view, error) {
	if b.freeze.stepping {
		e.Value = float64(b.freeze.covered - 1)
		return nil, nil
	}
	v, err := b.viewOf(context.Background(), b.freeze.final(e.Number))
	if err != nil {
		return nil, metrics.Because(err, metrics.Unavailable, "The scores cannot be read at the moment: try again in a few seconds.")
	}
	for i, s := range b.public.spans {
		v.spans[i].now.mark = s.now.mark // slots are the same: both count the players in the order of the log
	}
	e.Value = float64(min(b.spec.Freeze.Reveal, v.spans[0].now.order.len()))
	return v, nil
}

// show gives the public the view that unveil has made, unless there is none or nothing to cover. The caller holds mu.
func (b *Board) show(v *view) {
	if v != nil && b.freeze != nil {
		v.frozen = b.freeze
		b.public = v
	}
}

// plan begins the freeze of the board file once its time has come. A freeze that is there already covers it.
func (b *Board) plan(now time.Time) {
	at := b.spec.Freeze.At
	if at.IsZero() || b.planned || now.Before(at) {
		return
	}
	b.planned = true
	if b.freeze != nil {
		return
	}
	if !b.loading {
		b.advance(at)
	}
	b.begin(at, nil)
}
