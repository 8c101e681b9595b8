package ingest

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"liveboard/metrics"
)

// How samples that come line by line are gathered.
const (
	gatherFor   = 25 * time.Millisecond
	maxGathered = metrics.MaxBatchSamples
	maxSenders  = 32 // whose batches are recorded at once
	againAfter  = time.Second
)

// gatherer makes batches of samples, one a sender.
type gatherer struct {
	record func(from netip.Addr, samples []metrics.Sample)
	some   chan struct{} // there are samples
	many   chan struct{} // they need not wait for more
	ended  chan struct{} // there will be no more
	worker sync.WaitGroup

	mu       sync.Mutex
	room     sync.Cond // there is some again
	bySender map[netip.Addr][]metrics.Sample
	n        int // samples
}

func newGatherer(record func(from netip.Addr, samples []metrics.Sample)) *gatherer {
	g := &gatherer{
		record: record, some: make(chan struct{}, 1), many: make(chan struct{}, 1), ended: make(chan struct{}),
		bySender: make(map[netip.Addr][]metrics.Sample),
	}
	g.room.L = &g.mu
	return g
}

// put adds samples of a sender. Where there is no room it waits for some, or returns false.
func (g *gatherer) put(from netip.Addr, samples []metrics.Sample, wait bool) bool {
	if len(samples) == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.n > 0 && g.n+len(samples) > maxGathered {
		if !wait {
			return false
		}
		g.room.Wait()
	}
	g.bySender[from] = append(g.bySender[from], samples...)
	g.n += len(samples)
	ring(g.some)
	if g.n > maxGathered/2 {
		ring(g.many)
	}
	return true
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

func (g *gatherer) takeAll() map[netip.Addr][]metrics.Sample {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.bySender
	g.bySender, g.n = make(map[netip.Addr][]metrics.Sample), 0
	g.room.Broadcast()
	return all
}

// start begins to record.
func (g *gatherer) start() { g.worker.Go(g.run) }

// close returns when what was put is recorded.
func (g *gatherer) close() {
	close(g.ended)
	g.worker.Wait()
}

func (g *gatherer) run() {
	for ended := false; !ended; {
		select {
		case <-g.some:
			ended = g.more()
		case <-g.ended:
			ended = true
		}
		var group errgroup.Group
		group.SetLimit(maxSenders)
		for from, samples := range g.takeAll() {
			group.Go(func() error {
				g.record(from, samples)
				return nil
			})
		}
		_ = group.Wait()
	}
}

// more waits for more samples, and reports whether those were the last.
func (g *gatherer) more() (ended bool) {
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.many:
	case <-g.ended:
		return true
	}
	return false
}

// record records a sender's samples. While the store cannot take them it tries again, until the listener closes.
func (l *listener) record(from netip.Addr, samples []metrics.Sample) {
	batch := metrics.Batch{Samples: samples, Origin: metrics.Origin{Format: l.format, Sender: from.String()}, Partial: true}
	for {
		err := l.intake.record(context.Background(), Sender{Local: true}, batch, refusal{})
		partial := (*metrics.PartialError)(nil)
		switch {
		case err == nil:
			return
		case errors.As(err, &partial):
			l.drop(partial.Refused, "refused", from, partial.First)
			return
		case metrics.KindOf(err) != metrics.Unavailable || l.isClosing():
			l.drop(len(samples), "unrecorded", from, err)
			return
		}
		l.pause(againAfter)
	}
}
