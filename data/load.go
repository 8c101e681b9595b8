package data

import (
	"context"
	"database/sql"
	"fmt"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

// load rebuilds the ids and the head from the newest chunk of each series and the journal.
func (s *Store) load(ctx context.Context) error {
	byID, err := s.loadSeries(ctx)
	if err != nil {
		return fmt.Errorf("load series: %w", damage(err))
	}
	if err := s.marks.load(ctx, s.readers); err != nil {
		return fmt.Errorf("load marks: %w", damage(err))
	}
	if err := readSetting(ctx, s.readers, settingSealed, &s.seq); err != nil {
		return damage(err)
	}
	s.head.Apply(s.seq, nil) // a seal of what was never applied would set the numbers back
	if err := s.replay(ctx, byID); err != nil {
		return fmt.Errorf("replay journal: %w", damage(err))
	}
	return nil
}

// loadSeries reads the series in the order of their keys, which is about the order that the head keeps them in.
func (s *Store) loadSeries(ctx context.Context) (byID map[int64]metrics.Series, err error) {
	origins, err := s.loadOrigins(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.readers.QueryContext(ctx, `
		SELECT s.id, s.key, IFNULL(s.origin, 0), s.created_at, IFNULL(c.from_at, 0), IFNULL(c.to_at, 0), IFNULL(c.samples, 0), c.data
		FROM series s
		LEFT JOIN chunks c ON c.series = s.id AND c.tier = 0 AND c.from_at = (
			SELECT MAX(from_at)
			FROM chunks
			WHERE series = s.id AND tier = 0)
		ORDER BY s.key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	byID = make(map[int64]metrics.Series)
	for rows.Next() {
		id, series, err := s.loadOne(rows, origins)
		if err != nil {
			return nil, err
		}
		byID[id] = series
	}
	return byID, rows.Err()
}

func (s *Store) loadOne(rows *sql.Rows, origins map[int64]metrics.Origin) (id int64, series metrics.Series, err error) {
	var key, stored []byte
	var origin, createdAt int64
	var newest head.Chunk
	if err := rows.Scan(&id, &key, &origin, &createdAt, &newest.From, &newest.To, &newest.Samples, &stored); err != nil {
		return 0, series, err
	}
	if series, err = metrics.ParseKey(string(key)); err != nil {
		return 0, series, fmt.Errorf("%w: series %d: %w", ErrDamaged, id, err)
	}
	if newest.Samples > 0 {
		newest.Data, err = unsum(stored)
	}
	if err == nil {
		err = s.head.Load(series, newest)
	}
	if err != nil {
		return 0, series, fmt.Errorf("%w: chunk of series %d from %d: %w", ErrDamaged, id, newest.From, err)
	}
	s.arrivals = append(s.arrivals, metrics.Arrival{Series: series, Origin: origins[origin], At: createdAt})
	s.ids[series] = &knownSeries{series: series, id: id}
	s.lastID = max(s.lastID, id)
	return id, series, nil
}

// replay applies the groups in the journal to the head.
func (s *Store) replay(ctx context.Context, byID map[int64]metrics.Series) error {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT seq, payload
		FROM journal
		ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var payload sql.RawBytes
		if err := rows.Scan(&seq, &payload); err != nil {
			return err
		}
		samples, err := decodeSamples(payload, byID)
		if err != nil {
			return fmt.Errorf("%w: journal group %d: %w", ErrDamaged, seq, err)
		}
		s.head.Apply(seq, samples)
		s.seq = seq
		s.grow(len(payload))
	}
	return rows.Err()
}

func decodeSamples(payload []byte, byID map[int64]metrics.Series) ([]metrics.Sample, error) {
	entries, err := decodeGroup(payload)
	if err != nil {
		return nil, err
	}
	samples := make([]metrics.Sample, len(entries))
	for i, e := range entries {
		series, ok := byID[e.series]
		if !ok {
			return nil, fmt.Errorf("sample %d belongs to the unknown series %d", i+1, e.series)
		}
		samples[i] = metrics.Sample{Series: series, At: e.at, Value: e.value}
	}
	return samples, nil
}
