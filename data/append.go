package data

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"liveboard/metrics"
)

const insertGroup = `
	INSERT INTO journal (seq, at, payload)
	VALUES (?, ?, ?)`

// Append writes samples as one group into the journal and returns its number once the disk has it.
// On error nothing of the group is stored. A new series without an arrival is stored as one whose origin is not known.
// It is safe for concurrent use.
func (s *Store) Append(ctx context.Context, samples []metrics.Sample, arrivals []metrics.Arrival) (seq uint64, err error) {
	if len(samples) > maxGroupSamples {
		return 0, fmt.Errorf("append %d samples: at most %d fit a group", len(samples), maxGroupSamples)
	}
	s.appending.Lock()
	defer s.appending.Unlock()
	entries, added := s.resolve(samples)
	payload := encodeGroup(entries)
	seq = s.seq + 1
	err = inTx(ctx, s.writer, func(tx *sql.Tx) error {
		if err := insertSeries(ctx, tx, added, arrivals); err != nil {
			return err
		}
		_, err := tx.StmtContext(ctx, s.insertGroup).ExecContext(ctx, seq, time.Now().UnixMilli(), payload)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("append group %d: %w", seq, err)
	}
	s.seq = seq
	s.learn(added)
	s.grow(len(payload))
	s.appended.Add(int64(len(samples)))
	return seq, nil
}

// resolve returns samples with the ids of their series, and the ids that new series will have.
func (s *Store) resolve(samples []metrics.Sample) (entries []entry, added map[metrics.Series]int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	entries = make([]entry, len(samples))
	prev := new(knownSeries)
	for i, sample := range samples {
		entries[i] = entry{at: sample.At, value: sample.Value}
		if known := s.after(prev, sample.Series); known != nil {
			entries[i].series, prev = known.id, known
			continue
		}
		id, ok := added[sample.Series]
		if !ok {
			if added == nil {
				added = make(map[metrics.Series]int64)
			}
			id = s.lastID + int64(len(added)) + 1
			added[sample.Series] = id
		}
		entries[i].series = id
	}
	return entries, added
}

// after returns what is known of series, which follows prev in its group, or nil. Most likely it is what followed prev before; see head.Head.
func (s *Store) after(prev *knownSeries, series metrics.Series) *knownSeries {
	if next := prev.next; next != nil && next.series == series && !next.gone {
		return next
	}
	known := s.ids[series]
	if known != nil {
		prev.next = known
	}
	return known
}

func insertSeries(ctx context.Context, tx *sql.Tx, added map[metrics.Series]int64, arrivals []metrics.Arrival) error {
	if len(added) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, `
		INSERT INTO series (id, key, origin, created_at)
		VALUES (?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	arrived := make(map[metrics.Series]metrics.Arrival, len(arrivals))
	for _, a := range arrivals {
		arrived[a.Series] = a
	}
	known := make(map[metrics.Origin]any)
	for series, id := range added {
		a := arrived[series]
		origin, err := originID(ctx, tx, known, a.Origin)
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, id, []byte(series.Key()), origin, a.At); err != nil {
			return fmt.Errorf("insert series %s: %w", series, err)
		}
	}
	return nil
}

// learn makes the ids of committed series known.
func (s *Store) learn(added map[metrics.Series]int64) {
	if len(added) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for series, id := range added {
		s.ids[series] = &knownSeries{series: series, id: id}
	}
	s.lastID += int64(len(added))
}
