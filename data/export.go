package data

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

const exportSeries = 1000 // of which the journal is read at once

// Selection says which samples an export holds.
type Selection struct {
	Matchers []*labels.Matcher // all must match; none match everything
	From, To int64             // Unix milliseconds, both included
}

// Export calls emit with the raw samples of each selected series, in order of time, some thousands at a time and the series in the order of their
// keys. It may run beside a server: what was acknowledged before it began is in it, what comes meanwhile may be. No read is
// open while emit runs, so it may take its time. It ends with emit's error.
func Export(ctx context.Context, path string, sel Selection, emit func(metrics.Series, []metrics.Point) error) error {
	b, err := openBeside(ctx, path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	e := exporter{readers: b.readers, stored: &Store{readers: b.readers}, sel: sel, emit: emit}
	err = e.stored.prepareReading(ctx)
	if err == nil {
		err = e.run(ctx)
	}
	return errors.Join(damage(err), b.close())
}

type exporter struct {
	readers *sql.DB
	stored  *Store // to read chunks and blocks with, and no more
	sel     Selection
	emit    func(metrics.Series, []metrics.Point) error
}

// known is a series with its id.
type known struct {
	id int64
	metrics.Series
}

func (e *exporter) run(ctx context.Context) error {
	all, err := e.selected(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(all, exportSeries) {
		fresh, err := e.fresh(ctx, some)
		if err != nil {
			return err
		}
		for _, s := range some {
			if err := e.export(ctx, s, fresh[s.id]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *exporter) selected(ctx context.Context) (all []known, err error) {
	rows, err := e.readers.QueryContext(ctx, `
		SELECT id, key
		FROM series
		ORDER BY key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s known
		var key sql.RawBytes
		if err := rows.Scan(&s.id, &key); err != nil {
			return nil, err
		}
		if s.Series, err = metrics.ParseKey(string(key)); err != nil {
			return nil, fmt.Errorf("%w: series %d: %w", ErrDamaged, s.id, err)
		}
		if e.matches(s.Labels()) {
			all = append(all, s)
		}
	}
	return all, rows.Err()
}

func (e *exporter) matches(ls metrics.Labels) bool {
	return !slices.ContainsFunc(e.sel.Matchers, func(m *labels.Matcher) bool { return !m.Matches(ls.Get(m.Name)) })
}

// fresh returns the samples of some series that are in the journal, sorted. It is read before the chunks: what a seal moves
// meanwhile is then in both, and never in neither.
func (e *exporter) fresh(ctx context.Context, some []known) (map[int64][]metrics.Point, error) {
	fresh := make(map[int64][]metrics.Point, len(some))
	for _, s := range some {
		fresh[s.id] = nil
	}
	rows, err := e.readers.QueryContext(ctx, `
		SELECT seq, payload
		FROM journal
		ORDER BY seq`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		var payload sql.RawBytes
		if err := rows.Scan(&seq, &payload); err != nil {
			return nil, err
		}
		entries, err := decodeGroup(payload)
		if err != nil {
			return nil, fmt.Errorf("%w: journal group %d: %w", ErrDamaged, seq, err)
		}
		for _, entry := range entries {
			if _, ok := fresh[entry.series]; ok && entry.at >= e.sel.From && entry.at <= e.sel.To {
				fresh[entry.series] = append(fresh[entry.series], metrics.Point{At: entry.at, Value: entry.value})
			}
		}
	}
	for id, points := range fresh {
		fresh[id] = sorted(points)
	}
	return fresh, rows.Err()
}

// sorted sorts points by time. Of those of one instant the last one stays.
func sorted(points []metrics.Point) []metrics.Point {
	slices.SortStableFunc(points, func(a, b metrics.Point) int { return cmp.Compare(a.At, b.At) })
	kept := points[:0]
	for i, p := range points {
		if i+1 == len(points) || points[i+1].At != p.At {
			kept = append(kept, p)
		}
	}
	return kept
}

// export emits the samples of one series in chunks and blocks, together with those that are fresh and replace them.
func (e *exporter) export(ctx context.Context, s known, fresh []metrics.Point) error {
	in := &reading{store: e.stored, series: s.id, open: []span{{e.sel.From, e.sel.To}}, beside: true}
	if err := in.samples(ctx); err != nil {
		return err
	}
	for i := range max(1, len(in.found)) {
		var points []metrics.Point
		if i < len(in.found) {
			var err error
			if points, err = in.found[i].Points(); err != nil {
				return fmt.Errorf("%w: samples of series %d from %d: %w", ErrDamaged, s.id, in.found[i].From, err)
			}
		}
		points, fresh = join(points, fresh, i+1 >= len(in.found))
		if len(points) > 0 {
			if err := e.emit(s.Series, points); err != nil {
				return err
			}
		}
	}
	return nil
}

// join returns points with those of fresh that belong between them or, where they are the last, after them; and the rest of fresh.
func join(points, fresh []metrics.Point, last bool) (joined, rest []metrics.Point) {
	n := len(fresh)
	if !last {
		n = 0
		if len(points) > 0 {
			n = countUntil(fresh, points[len(points)-1].At)
		}
	}
	return head.Union(points, fresh[:n]), fresh[n:]
}

// countUntil returns how many points, sorted, are at most of that time.
func countUntil(points []metrics.Point, at int64) int {
	n, _ := slices.BinarySearchFunc(points, at+1, func(p metrics.Point, at int64) int { return cmp.Compare(p.At, at) })
	return n
}
