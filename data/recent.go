package data

import (
	"context"
	"sync"
	"time"
)

// recentFor is how long a change by another process may go unnoticed: half of the second in which
// a revoked token must have ended.
const recentFor = 500 * time.Millisecond

// recent keeps what read returned, and reads again when it is asked for and no longer new. That is
// cheaper than to ask whether something has changed, as the journal changes the database all the time.
type recent[T any] struct {
	read func(ctx context.Context) (T, error)

	mu     sync.Mutex
	value  T
	readAt time.Time
}

// get returns a value that was true at most recentFor ago. Nobody may change it.
func (r *recent[T]) get(ctx context.Context) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if !r.readAt.IsZero() && now.Sub(r.readAt) < recentFor {
		return r.value, nil
	}
	value, err := r.read(ctx)
	if err == nil {
		r.value, r.readAt = value, now
	}
	return value, err
}

// expire makes the next get read.
func (r *recent[T]) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readAt = time.Time{}
}
