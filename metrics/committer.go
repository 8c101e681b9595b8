package metrics

import (
	"context"
	"runtime"
	"sync"
)

// maxQueued is how many items wait for the group under way.
const maxQueued = 64

// Committer hands the items of many senders to one function in groups, so that they share one
// sync of the disk.
//
// A group is whatever came in while the one before it was being committed: an item alone is
// committed at once, and the busier the disk, the larger the groups. Waiting for company would
// only add its wait to every item on an idle server, and to no use on a busy one.
type Committer[T any] struct {
	most   int
	weigh  func(T) int
	commit func(group []T)
	queue  chan T
	done   chan struct{} // closed when the last group is through

	mu     sync.RWMutex // held for reading while sending to queue
	closed bool
}

// NewCommitter returns a Committer that runs until Close. It calls commit from one goroutine, a
// group at a time, in the order of the queue; commit owns the group. A group is closed once the
// weights of its items come to most.
func NewCommitter[T any](most int, weigh func(T) int, commit func(group []T)) *Committer[T] {
	c := &Committer[T]{most: most, weigh: weigh, commit: commit, queue: make(chan T, maxQueued), done: make(chan struct{})}
	go c.run()
	return c
}

// Add puts the item into the queue; how the sender learns the outcome is between the item and
// commit. An error is of kind Unavailable (the committer is closed, or ctx ended while the queue
// was full) and means that the item is not committed. Once in the queue it is, even when ctx ends.
func (c *Committer[T]) Add(ctx context.Context, item T) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return Errorf(Unavailable, "the server is stopping")
	}
	if ctx.Err() != nil {
		return Errorf(Unavailable, "not recorded: %w", ctx.Err())
	}
	select {
	case c.queue <- item:
		return nil
	case <-ctx.Done():
		return Errorf(Unavailable, "not recorded, the queue is full: %w", ctx.Err())
	}
}

// Close refuses further items and returns once those in the queue are through.
func (c *Committer[T]) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.mu.Unlock()
	<-c.done
}

func (c *Committer[T]) run() {
	defer close(c.done)
	for item := range c.queue {
		// Senders that are about to add would miss the group by a hair: where all processors are busy
		// they go first, and where one is idle this takes no time.
		runtime.Gosched()
		c.commit(c.gather(item))
	}
}

// gather returns the group of first and the items that wait behind it.
func (c *Committer[T]) gather(first T) []T {
	group, weight := []T{first}, c.weigh(first)
	for weight < c.most {
		select {
		case item, ok := <-c.queue:
			if !ok {
				return group
			}
			group, weight = append(group, item), weight+c.weigh(item)
		default:
			return group
		}
	}
	return group
}
