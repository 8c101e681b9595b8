// Package live is the clock of the program: it knows which topics moved, and at which
// revision, and wakes who watches them. It knows neither metric nor HTML: a topic is a word.
package live

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Rev counts the moves of a Hub. Zero is before the first.
type Rev uint64

// ErrClosed is what waiters get once the hub is closed.
var ErrClosed = errors.New("hub closed")

// Hub hands out revisions. State lives elsewhere: commit first, then Touch; a reader takes
// the revision first and reads then. So a repeat is possible, a gap is not.
// All methods may be called at any time from anywhere.
type Hub struct {
	gap time.Duration

	mu      sync.Mutex
	rev     Rev
	topics  map[string]Rev                 // the revision at which each topic last moved
	watches map[string]map[*Watch]struct{} // by topic
	dirty   map[string]struct{}            // touched since the last move
	since   time.Time                      // of the first touch in dirty
	timer   *time.Timer                    // runs while the gap after a move lasts
	closed  bool
}

// New returns a hub that moves at once when touched, then at most once per gap.
func New(gap time.Duration) *Hub {
	return &Hub{
		gap:     gap,
		topics:  map[string]Rev{},
		watches: map[string]map[*Watch]struct{}{},
		dirty:   map[string]struct{}{},
	}
}

// Any is the topic that moves with every other.
const Any = "*"

// Touch says that what stands behind the topics has changed. It does not block.
func (h *Hub) Touch(topics ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(topics) == 0 {
		return
	}
	if len(h.dirty) == 0 {
		h.since = time.Now()
	}
	h.dirty[Any] = struct{}{}
	for _, t := range topics {
		h.dirty[t] = struct{}{}
	}
	if h.timer == nil {
		h.move()
	}
}

// Rev returns the newest revision.
func (h *Hub) Rev() Rev {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rev
}

// Newest returns the revision at which the last of the topics moved, zero when none ever did.
func (h *Hub) Newest(topics ...string) Rev {
	h.mu.Lock()
	defer h.mu.Unlock()
	var newest Rev
	for _, t := range topics {
		newest = max(newest, h.topics[t])
	}
	return newest
}

// Watch returns a watch of the topics, which the caller must Close.
func (h *Hub) Watch(topics ...string) *Watch {
	w := &Watch{hub: h, topics: topics, moved: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(w.moved)
		return w
	}
	for _, t := range topics {
		if h.watches[t] == nil {
			h.watches[t] = map[*Watch]struct{}{}
		}
		h.watches[t][w] = struct{}{}
	}
	return w
}

// Close ends every wait with ErrClosed. Touches after it are ignored.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	closing := map[*Watch]struct{}{}
	for _, ws := range h.watches {
		for w := range ws {
			closing[w] = struct{}{}
		}
	}
	for w := range closing {
		close(w.moved)
	}
	clear(h.watches)
}

// move gives all dirty topics the next revision, wakes their watches, and starts the gap.
// The caller holds mu.
func (h *Hub) move() {
	h.rev++
	for t := range h.dirty {
		h.topics[t] = h.rev
		for w := range h.watches[t] {
			w.wake(h.since)
		}
	}
	clear(h.dirty)
	h.timer = time.AfterFunc(h.gap, h.gapOver)
}

func (h *Hub) gapOver() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer = nil
	if !h.closed && len(h.dirty) > 0 {
		h.move()
	}
}

// Watch tells one waiter that any of its topics moved. It keeps no list: moves while nobody
// waits are one wake.
type Watch struct {
	hub    *Hub
	topics []string
	moved  chan struct{} // room for one: a wake that nobody has taken yet

	mu    sync.Mutex
	since time.Time // of the first touch behind the wake that waits in moved
}

// Wait blocks until a topic has moved since the last Wait returned (the first: since the
// Watch was made), and returns when the first of the touches behind that move came.
// It returns ctx.Err() when ctx ends, and ErrClosed once the hub is closed.
func (w *Watch) Wait(ctx context.Context) (since time.Time, err error) {
	select {
	case _, open := <-w.moved:
		if !open {
			return time.Time{}, ErrClosed
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.since, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// Close ends the watch. A Wait that runs meanwhile goes on until its context ends.
func (w *Watch) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for _, t := range w.topics {
		delete(w.hub.watches[t], w)
		if len(w.hub.watches[t]) == 0 {
			delete(w.hub.watches, t)
		}
	}
}

// wake notes the move; the hub's mu is held, so the hub cannot close moved meanwhile.
func (w *Watch) wake(since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.moved <- struct{}{}:
		w.since = since
	default: // an earlier wake still waits: its time stands
	}
}
