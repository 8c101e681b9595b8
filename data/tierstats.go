package data

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/disk"

	"liveboard/metrics"
)

const (
	countShare  = 100 // counting goes over all blocks: it may take this part of the time
	rateSamples = 10  // notes of samples, a minute each, that the rate is of
)

// tierStats are what was counted last.
type tierStats struct {
	mu    sync.Mutex
	at    time.Time
	took  time.Duration
	tiers [tiers]metrics.TierUsage
	notes []sampleNote // the oldest first
}

// sampleNote is how many samples had come.
type sampleNote struct {
	at      time.Time
	samples int64
}

func (t *tierStats) note(at time.Time, samples int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, sampleNote{at, samples})
	t.notes = t.notes[max(0, len(t.notes)-rateSamples):]
}

// rate is the samples a second since the oldest note.
func (t *tierStats) rate(samples int64, now time.Time) float64 {
	if len(t.notes) == 0 || !now.After(t.notes[0].at) {
		return 0
	}
	return float64(samples-t.notes[0].samples) / now.Sub(t.notes[0].at).Seconds()
}

// Usage returns what the file holds. What it says of tiers may be minutes old.
func (s *Store) Usage(ctx context.Context) (metrics.Usage, error) {
	p, err := s.pages(ctx)
	if err != nil {
		return metrics.Usage{}, err
	}
	left, err := disk.UsageWithContext(ctx, filepath.Dir(s.lock.Path()))
	if err != nil {
		return metrics.Usage{}, err
	}
	u := metrics.Usage{Bytes: p.count * p.size, Free: p.free * p.size, Journal: s.journalBytes.Load(), DiskFree: int64(left.Free)}
	if storage := s.storage.Load(); storage != nil {
		u.Storage = *storage
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	u.Tiers = s.stats.tiers
	u.Rate = s.stats.rate(s.appended.Load(), time.Now())
	return u, nil
}

// countTiers counts the rows and bytes of every tier where that was long ago.
func (s *Store) countTiers(ctx context.Context, now time.Time) error {
	s.stats.mu.Lock()
	fresh := now.Sub(s.stats.at).Abs() < countShare*s.stats.took
	s.stats.mu.Unlock()
	if fresh {
		return nil
	}
	began := time.Now()
	var counted [tiers]metrics.TierUsage
	for t := range tier(tiers) {
		var err error
		if counted[t], err = s.countTier(ctx, t, now); err != nil {
			return err
		}
	}
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	s.stats.at, s.stats.took, s.stats.tiers = now, time.Since(began), counted
	return nil
}

func (s *Store) countTier(ctx context.Context, t tier, now time.Time) (u metrics.TierUsage, err error) {
	for _, l := range []lane{t.samples(), t.buckets()} {
		rows, bytes, err := s.countLane(ctx, l, 0, maxSlot)
		if err != nil {
			return u, err
		}
		u.Rows, u.Bytes = u.Rows+rows, u.Bytes+bytes
		if from := firstIn(s.oldest[l].Load(), l.span()); rows > 0 && (u.Oldest == 0 || from < u.Oldest) {
			u.Oldest = from
		}
		first, last := s.newestSpans(l, now)
		if first > last {
			continue
		}
		if _, bytes, err = s.countLane(ctx, l, first, last); err != nil {
			return u, err
		}
		u.Known = true
		u.PerDay += bytes * millis(24*time.Hour) / ((last - first + 1) * l.span())
	}
	return u, nil
}

// countLane counts the blocks of the spans from first to last.
func (s *Store) countLane(ctx context.Context, l lane, first, last int64) (rows, bytes int64, err error) {
	err = s.readers.QueryRowContext(ctx, `
		SELECT COUNT(*), IFNULL(SUM(LENGTH(data)), 0)
		FROM blocks
		WHERE id >= ? AND id < ?`, idOf(l, first, 0), idOf(l, last, 0)+1<<seriesBits).Scan(&rows, &bytes)
	return rows, bytes, damage(err)
}

// newestSpans returns the spans, about half a day of them, from which a lane's growth is told. Samples may yet move up: of them
// only those are taken that would have by now, where there are any as old as that.
func (s *Store) newestSpans(l lane, now time.Time) (first, last int64) {
	begin := s.begin()
	spans := func(end int64) (first, last int64) {
		last = end / l.span()
		return max(last-max(1, millis(12*time.Hour)/l.span()), slot(begin, l.span())) + 1, last // the first of all may not be whole
	}
	if l == l.tier().samples() {
		if first, last = spans(rolledUntil(l.tier(), now)); first <= last {
			return first, last
		}
	}
	return spans(now.Add(-rollAfter).UnixMilli())
}

// rolledUntil returns up to when a tier is part of the next coarser one, where nothing came late.
func rolledUntil(t tier, now time.Time) int64 {
	at := now.Add(-rollAfter).UnixMilli()
	if int(t)+1 < tiers {
		at = at / tierSpans[t+1] * tierSpans[t+1]
	}
	return at
}

// begin returns with what instant history begins.
func (s *Store) begin() int64 {
	begin := int64(firstIn(maxSlot, tierSpans[0]))
	for l := range lane(lanes) {
		if oldest := s.oldest[l].Load(); oldest <= maxSlot {
			begin = min(begin, firstIn(oldest, l.span()))
		}
	}
	return begin
}
