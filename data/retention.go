package data

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"liveboard/metrics"
)

const (
	// What a step may do in one transaction, as long as which a sender may wait.
	dropTogether   = 64  // blocks
	forgetTogether = 100 // series
	vacuumTogether = 256 // pages
	applyWithin    = 50  // milliseconds

	spareShare = 16             // free pages are given back beyond this share of the file: less is soon used again
	spareLeast = 256            // pages
	keepLeast  = 24 * time.Hour // what no budget takes
)

// SetStorage says how much history is kept from the next Retain on. Without it everything is.
func (s *Store) SetStorage(storage metrics.Storage) { s.storage.Store(&storage) }

// OnForget has tell told of the series that are deleted from now on, before the same can come again. tell must neither block nor
// use the store.
func (s *Store) OnForget(tell func(gone []metrics.Arrival)) { s.forgotten.Store(&tell) }

// Retain deletes what is older than its tier is kept, then, while the file has more bytes than the budget, the oldest of
// the finest tier that has any, and then series of which nothing is left. Nothing goes of which a coarser tier is still to be
// made, unless the budget leaves no choice. It takes many short transactions.
func (s *Store) Retain(ctx context.Context, now time.Time) error {
	storage := s.storage.Load()
	if storage == nil {
		return nil
	}
	s.rolling.Lock()
	defer s.rolling.Unlock()
	for t := range tier(tiers) {
		before := now.Add(-storage.Retention[t]).UnixMilli()
		for more := true; more; {
			var err error
			if more, err = s.dropOldest(ctx, t, before, false); err != nil {
				return fmt.Errorf("delete of tier %s by age: %w", metrics.Tiers[t], err)
			}
		}
	}
	if err := s.keepBudget(ctx, storage.Budget, now); err != nil {
		return fmt.Errorf("delete by budget: %w", err)
	}
	if err := s.forget(ctx, now); err != nil {
		return fmt.Errorf("delete series: %w", err)
	}
	return s.vacuum(ctx)
}

// retentionStep is by how much the time by which ages are told goes on at most from one roll-up to the next.
const retentionStep = 10 * rollEvery

// retentionTime returns the time by which ages are to be told at now. A clock that is set years ahead would make all
// history too old: so this time follows it slowly, even over a restart, and a day's mistake costs little. After a long
// standstill it takes a tenth of that to come up.
func (s *Store) retentionTime(ctx context.Context, now time.Time) (at time.Time, err error) {
	last := now.UnixMilli()
	if err := readSetting(ctx, s.readers, settingRetained, &last); err != nil {
		return at, err
	}
	at = time.UnixMilli(min(now.UnixMilli(), last+retentionStep.Milliseconds()))
	return at, inTx(ctx, s.writer, func(tx *sql.Tx) error {
		return writeSetting(ctx, tx, settingRetained, at.UnixMilli())
	})
}

// rolled reports whether the next coarser tier is made of all that a block holds.
func (s *Store) rolled(id blockID) bool {
	t := id.lane().tier() + 1
	return t == tiers || !s.marks.has(idOf(t.samples(), slot(id.end(), tierSpans[t]), id.series()))
}

// dropOldest deletes a few of the oldest blocks of a tier that end no later than before, and reports whether there were any. Those
// of which a coarser tier is still to be made go only where all may.
func (s *Store) dropOldest(ctx context.Context, t tier, before int64, all bool) (dropped bool, err error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	for _, l := range []lane{t.samples(), t.buckets()} {
		last := before / l.span()
		if s.oldest[l].Load() > last {
			continue
		}
		ids, err := s.oldestIDs(ctx, l, min(last, maxSlot), all)
		if err != nil {
			return false, err
		}
		if len(ids) > 0 {
			return true, s.drop(ctx, ids)
		}
	}
	return false, ctx.Err()
}

func (s *Store) oldestIDs(ctx context.Context, l lane, last int64, all bool) (ids []blockID, err error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT id
		FROM blocks
		WHERE id BETWEEN ? AND ?
		ORDER BY id`, idOf(l, 0, 0), idOf(l, last, maxSeries))
	if err != nil {
		return nil, damage(err)
	}
	defer rows.Close()
	for len(ids) < dropTogether && rows.Next() {
		var id blockID
		if err := rows.Scan(&id); err != nil {
			return nil, damage(err)
		}
		if all || s.rolled(id) {
			ids = append(ids, id)
		}
	}
	return ids, damage(rows.Err())
}

func (s *Store) drop(ctx context.Context, ids []blockID) error {
	err := inTx(ctx, s.writer, func(tx *sql.Tx) error {
		for _, id := range ids {
			if _, err := tx.StmtContext(ctx, s.deleteBlock).ExecContext(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.loadReach(ctx)
}

// keepBudget deletes until the file is within budget.
func (s *Store) keepBudget(ctx context.Context, budget int64, now time.Time) error {
	if budget == 0 {
		return nil
	}
	least := now.Add(-keepLeast).UnixMilli()
	for {
		if used, err := s.usedBytes(ctx); err != nil || used <= budget {
			return err
		}
		dropped, err := s.dropAny(ctx, least, false)
		if err == nil && !dropped { // rather a hole in a coarse tier to be than a full disk
			dropped, err = s.dropAny(ctx, least, true)
		}
		if err != nil || !dropped {
			return err
		}
	}
}

// dropAny deletes as dropOldest does, of the finest tier that has any.
func (s *Store) dropAny(ctx context.Context, before int64, all bool) (dropped bool, err error) {
	for t := range tier(tiers) {
		if dropped, err = s.dropOldest(ctx, t, before, all); dropped || err != nil {
			return dropped, err
		}
	}
	return false, nil
}

// pages are the sizes of the file.
type pages struct{ size, count, free int64 }

func (s *Store) pages(ctx context.Context) (p pages, err error) {
	err = s.readers.QueryRowContext(ctx, `
		SELECT page_size, page_count, freelist_count
		FROM pragma_page_size, pragma_page_count, pragma_freelist_count`).Scan(&p.size, &p.count, &p.free)
	return p, damage(err)
}

// usedBytes returns the bytes of pages that hold something.
func (s *Store) usedBytes(ctx context.Context) (int64, error) {
	p, err := s.pages(ctx)
	return (p.count - p.free) * p.size, err
}

// vacuum gives free pages back, a few at a time.
func (s *Store) vacuum(ctx context.Context) error {
	for {
		p, err := s.pages(ctx)
		if err != nil || p.free <= max(spareLeast, p.count/spareShare) {
			return err
		}
		if _, err := s.writer.ExecContext(ctx, fmt.Sprintf("PRAGMA incremental_vacuum(%d)", vacuumTogether)); err != nil {
			return damage(err)
		}
		after, err := s.pages(ctx)
		if err != nil || after.free >= p.free {
			return err
		}
	}
}

// forget deletes the series of which every block is deleted, with their last chunk, here and in memory. As blocks go oldest
// first, a series whose newest sample is older than the oldest block of every lane has none.
func (s *Store) forget(ctx context.Context, now time.Time) error {
	before := now.Add(-keepLeast).UnixMilli()
	for l := range lane(lanes) {
		if oldest := s.oldest[l].Load(); oldest != math.MaxInt64 {
			before = min(before, (oldest-1)*l.span())
		}
	}
	for {
		n, err := s.forgetSome(ctx, before)
		if err != nil || n < forgetTogether {
			return err
		}
	}
}

func (s *Store) forgetSome(ctx context.Context, before int64) (n int, err error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.appending.Lock() // a group that is being appended may be of such a series
	defer s.appending.Unlock()
	var first int64 // a seal that was broken off leaves groups that it has written
	if err := s.readers.QueryRowContext(ctx, `
		SELECT IFNULL(MIN(seq), ?)
		FROM journal`, math.MaxInt64).Scan(&first); err != nil {
		return 0, damage(err)
	}
	if !s.applied(ctx) {
		return 0, nil // what is not applied yet may be of one too
	}
	gone := s.head.Idle(before, uint64(first-1), forgetTogether, func(series metrics.Series, newest int64) bool {
		return !s.unrolled(s.id(series), newest)
	})
	if len(gone) == 0 {
		return 0, nil
	}
	arrivals, err := s.deleteSeries(ctx, gone)
	if err != nil {
		return 0, err
	}
	s.head.Forget(gone)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, series := range gone {
		if known := s.ids[series]; known != nil {
			known.gone, known.next = true, nil
			delete(s.ids, series)
		}
	}
	if tell := s.forgotten.Load(); tell != nil {
		(*tell)(arrivals)
	}
	return len(gone), nil
}

// applied waits a moment until the newest group is applied. Whoever gets the lock of a sender that waits for it comes
// just before that.
func (s *Store) applied(ctx context.Context) bool {
	for range applyWithin {
		if s.head.Seq() == s.seq {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Millisecond):
		}
	}
	return false
}

// unrolled reports whether blocks are still to be made of the time t of a series.
func (s *Store) unrolled(series, t int64) bool {
	for _, id := range marksOf(series, t) {
		if s.marks.has(id) {
			return true
		}
	}
	return false
}

// deleteSeries returns how the deleted ones had arrived.
func (s *Store) deleteSeries(ctx context.Context, gone []metrics.Series) (arrivals []metrics.Arrival, err error) {
	err = inTx(ctx, s.writer, func(tx *sql.Tx) error {
		for _, series := range gone {
			a, err := deleteOne(ctx, tx, s.id(series))
			if err != nil {
				return err
			}
			a.Series = series
			arrivals = append(arrivals, a)
		}
		return nil
	})
	return arrivals, err
}

func deleteOne(ctx context.Context, tx *sql.Tx, id int64) (a metrics.Arrival, err error) {
	err = tx.QueryRowContext(ctx, `
		SELECT IFNULL(o.token, ''), IFNULL(o.format, ''), IFNULL(o.sender, ''), s.created_at
		FROM series s
		LEFT JOIN origins o ON o.id = s.origin
		WHERE s.id = ?`, id).Scan(&a.Origin.Token, &a.Origin.Format, &a.Origin.Sender, &a.At)
	if err != nil {
		return a, err
	}
	if _, err = tx.ExecContext(ctx, `
		DELETE FROM chunks
		WHERE series = ?`, id); err != nil {
		return a, err
	}
	_, err = tx.ExecContext(ctx, `
		DELETE FROM series
		WHERE id = ?`, id)
	return a, err
}
