package rank

import (
	"time"

	"liveboard/metrics"
)

// defaultReveal is how many ranks are uncovered one by one where the leaderboard does not say.
const defaultReveal = 10

// freeze is how the public's view stands still.
type freeze struct {
	at       time.Time // since when
	clock    time.Time // what the public's clock shows: at, and during a reveal the time of its first step
	cut      cut       // the entries that the public knows
	stepping bool
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
	b.freeze = &freeze{at: at, clock: at, cut: c, was: make(map[uint32]persona)}
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
	at := time.UnixMilli(e.Received)
	switch {
	case e.Kind == Froze && b.freeze == nil:
		b.begin(at, e)
	case e.Kind == Revealed && b.freeze != nil:
		b.reveal(at, e)
	case e.Kind == Thawed:
		b.freeze = nil
		b.refreeze()
	}
}

// reveal uncovers one more rank. The first step shows the final standings but for the top of them;
// with the last one the freeze is over.
func (b *Board) reveal(at time.Time, e *Entry) {
	covered := int(e.Value)
	switch {
	case covered <= 0:
		b.freeze = nil
		b.refreeze()
	case b.freeze.stepping:
		b.freeze.covered = covered
	default:
		b.freeze = &freeze{at: b.freeze.at, clock: at, cut: cut{before: e.Number}, stepping: true, covered: covered, was: make(map[uint32]persona)}
		b.refreeze()
	}
}

// uncovers returns how many ranks stay covered after one more step of the reveal.
func (b *Board) uncovers() int {
	if b.freeze.stepping {
		return b.freeze.covered - 1
	}
	reveal := b.spec.Freeze.Reveal
	if reveal <= 0 {
		reveal = defaultReveal
	}
	return min(reveal, b.live.spans[0].now.order.len())
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
