package data

import (
	"context"
	"sync"
	"time"

	"liveboard/metrics"
)

// statsEvery is how often blocks are counted: that goes over all of them.
const statsEvery = 10 * time.Minute

// tierStats are what was counted last.
type tierStats struct {
	mu    sync.Mutex
	at    time.Time
	tiers [tiers]metrics.TierUsage
}

// Usage returns what the file holds. What it says of tiers may be minutes old.
func (s *Store) Usage(ctx context.Context) (metrics.Usage, error) {
	p, err := s.pages(ctx)
	if err != nil {
		return metrics.Usage{}, err
	}
	u := metrics.Usage{Bytes: p.count * p.size, Free: p.free * p.size}
	if storage := s.storage.Load(); storage != nil {
		u.Budget = storage.Budget
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	u.Tiers = s.stats.tiers
	return u, nil
}

// countTiers counts the rows and bytes of every tier where that was long ago.
func (s *Store) countTiers(ctx context.Context, now time.Time) error {
	s.stats.mu.Lock()
	fresh := !s.stats.at.IsZero() && now.Sub(s.stats.at) < statsEvery
	s.stats.mu.Unlock()
	if fresh {
		return nil
	}
	var counted [tiers]metrics.TierUsage
	for l := range lane(lanes) {
		var rows, bytes int64
		err := s.readers.QueryRowContext(ctx, `
			SELECT COUNT(*), IFNULL(SUM(LENGTH(data)), 0)
			FROM blocks
			WHERE id >= ? AND id < ?`, idOf(l, 0, 0), idOf(l+1, 0, 0)).Scan(&rows, &bytes)
		if err != nil {
			return damage(err)
		}
		u := &counted[l.tier()]
		u.Rows, u.Bytes = u.Rows+rows, u.Bytes+bytes
		if from := firstIn(s.oldest[l].Load(), l.span()); rows > 0 && (u.Oldest == 0 || from < u.Oldest) {
			u.Oldest = from
		}
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	s.stats.at, s.stats.tiers = now, counted
	return nil
}
