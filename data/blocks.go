package data

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"slices"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

const (
	selectBlock = `
	SELECT data
	FROM blocks
	WHERE id = ?`
	selectBlocks = `
	SELECT id, data
	FROM blocks
	WHERE id IN (SELECT value FROM json_each(?))
	ORDER BY id`
)

// block returns what is stored under id, nil where there is nothing.
func (s *Store) block(ctx context.Context, id blockID) (data []byte, err error) {
	err = s.selectBlock.QueryRowContext(ctx, id).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, damage(err)
}

// stored is a block and its id.
type stored struct {
	id   blockID
	data []byte
}

func (s *Store) blocks(ctx context.Context, ids []blockID) ([]stored, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.selectBlocks.QueryContext(ctx, string(list))
	if err != nil {
		return nil, damage(err)
	}
	defer rows.Close()
	var found []stored
	for rows.Next() {
		var b stored
		if err := rows.Scan(&b.id, &b.data); err != nil {
			return nil, damage(err)
		}
		found = append(found, b)
	}
	return found, damage(rows.Err())
}

// loadReach reads where each lane begins and ends, so that nobody looks beyond that.
func (s *Store) loadReach(ctx context.Context) error {
	for l := range lane(lanes) {
		var first, last sql.Null[int64]
		err := s.readers.QueryRowContext(ctx, `
			SELECT (
				SELECT MIN(id)
				FROM blocks
				WHERE id >= ?1 AND id < ?2), (
				SELECT MAX(id)
				FROM blocks
				WHERE id >= ?1 AND id < ?2)`, idOf(l, 0, 0), idOf(l+1, 0, 0)).Scan(&first, &last)
		if err != nil {
			return damage(err)
		}
		oldest, newest := int64(math.MaxInt64), int64(-1)
		if first.Valid && last.Valid {
			oldest, newest = blockID(first.V).slot(), blockID(last.V).slot()
		}
		s.oldest[l].Store(oldest)
		s.newest[l].Store(newest)
	}
	return nil
}

// noteReach is called before what is put is committed: to look where nothing is costs little.
func (s *Store) noteReach(put map[blockID][]byte) {
	for id := range put {
		if o := &s.oldest[id.lane()]; id.slot() < o.Load() {
			o.Store(id.slot())
		}
		if n := &s.newest[id.lane()]; id.slot() > n.Load() {
			n.Store(id.slot())
		}
	}
}

// bucketIDs returns the ids of the blocks of a tier's buckets that may have something of a series in o.
func (s *Store) bucketIDs(ids []blockID, t tier, series int64, o span) []blockID {
	return idsIn(ids, t.buckets(), series, o.within(s.reach(t.buckets())))
}

// sampleIDs returns the ids of the blocks of samples that may have something of a series in o, now or once a roll-up has
// moved samples up.
func (s *Store) sampleIDs(series int64, o span) (ids []blockID) {
	reach := span{math.MaxInt64, -1}
	for t := range tier(tiers) {
		own := s.reach(t.samples())
		reach = span{min(reach.from, own.from), max(reach.to, own.to)}
		ids = idsIn(ids, t.samples(), series, o.within(reach))
	}
	return ids
}

func idsIn(ids []blockID, l lane, series int64, o span) []blockID {
	if o.from > o.to {
		return ids
	}
	for n, last := slot(o.from, l.span()), slot(o.to, l.span()); n <= last; n++ {
		ids = append(ids, idOf(l, n, series))
	}
	return ids
}

// reach returns the time in which a lane has blocks.
func (s *Store) reach(l lane) span {
	newest, oldest := s.newest[l].Load(), s.oldest[l].Load()
	if newest < oldest {
		return span{math.MaxInt64, -1}
	}
	return span{firstIn(oldest, l.span()), newest * l.span()}
}

// span is a time with both its ends, Unix milliseconds.
type span struct{ from, to int64 }

// within returns what both spans have, which is nothing where it ends before it begins.
func (s span) within(o span) span { return span{max(s.from, o.from), min(s.to, o.to)} }

// minus returns what of open, sorted, is not in taken.
func minus(open []span, taken span) []span {
	var left []span
	for _, o := range open {
		if taken.to < o.from || taken.from > o.to {
			left = append(left, o)
			continue
		}
		if o.from < taken.from {
			left = append(left, span{o.from, taken.from - 1})
		}
		if o.to > taken.to {
			left = append(left, span{taken.to + 1, o.to})
		}
	}
	return left
}

// reading is one series on its way out of the store: found of it so far, and the spans for which nothing was found yet.
type reading struct {
	store  *Store
	series int64
	column head.Column
	open   []span
	found  []head.Chunk
	beside bool // another process has the store and rolls up
}

// Chunks returns the chunks of series that have points of r.Column in [mint, maxt], cut to that, sorted and without overlap. Each
// time is read from the coarsest tier that r.Width allows and that has whole buckets there, else from finer ones, at last from
// samples. Where those are deleted, from the finest tier that is left. Damage is an ErrDamaged with its
// place, here or when a chunk is decoded.
func (s *Store) Chunks(ctx context.Context, series metrics.Series, mint, maxt int64, r head.Rollup) ([]head.Chunk, error) {
	id := s.id(series)
	if id == 0 || maxt < mint {
		return nil, nil
	}
	in := &reading{store: s, series: id, column: r.Column, open: []span{{mint, maxt}}}
	coarsest := tier(0)
	for coarsest+1 < tiers && tierWidths[coarsest+1] <= r.Width {
		coarsest++
	}
	for t := coarsest; t > 0; t-- {
		if err := in.buckets(ctx, t, true); err != nil {
			return nil, err
		}
	}
	if err := in.samples(ctx); err != nil {
		return nil, err
	}
	for t := coarsest + 1; t < tiers; t++ {
		if err := in.buckets(ctx, t, false); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(in.found, func(a, b head.Chunk) int { return cmp.Compare(a.From, b.From) })
	return in.found, nil
}

// buckets reads a tier. Whole means that a bucket counts only where all of it is open to the right: what follows is read from
// samples. Without it, whatever there is does.
func (r *reading) buckets(ctx context.Context, t tier, whole bool) error {
	var ids []blockID
	for _, o := range r.open {
		from := len(ids)
		ids = r.store.bucketIDs(ids, t, r.series, o)
		ids = slices.DeleteFunc(ids, func(id blockID) bool {
			return whole && r.store.marks.has(idOf(t.samples(), id.slot(), id.series()))
		})
		if from > 0 && len(ids) > from && ids[from] == ids[from-1] {
			ids = slices.Delete(ids, from, from+1)
		}
	}
	blocks, err := r.store.blocks(ctx, ids)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		for _, o := range r.open {
			from, to := max(o.from, b.id.first()), min(o.to, b.id.end())
			if whole && to < b.id.end() {
				to = to / tierWidths[t] * tierWidths[t]
			}
			if from <= to {
				r.found = append(r.found, r.bucketChunk(b, from, to))
				r.open = minus(r.open, span{from, to})
			}
		}
	}
	return nil
}

// bucketChunk returns the part of a block of buckets from from to to.
func (r *reading) bucketChunk(b stored, from, to int64) head.Chunk {
	column, width := r.column, tierWidths[b.id.lane().tier()]
	return head.Chunk{From: from, To: to, Data: b.data, Decode: func(data []byte) ([]metrics.Point, error) {
		buckets, err := decodeBuckets(data, width)
		if err != nil {
			return nil, b.id.damaged(err)
		}
		return head.Between(pointsIn(column, buckets, width), from, to), nil
	}}
}

// layer is a chunk of samples, one of the rows that may tell of the same time. The row of the least age is right.
type layer struct {
	head.Chunk
	age int // 0 for chunks, then the tier, from which on samples only move up
}

// samples reads the chunks and the blocks of samples. Chunks first: what a roll-up moves in between is then seen
// twice and not missed.
func (r *reading) samples(ctx context.Context) error {
	open := r.open
	for _, o := range open {
		chunks, err := r.store.chunksIn(ctx, r.series, o.from, o.to)
		if err != nil {
			return err
		}
		if r.beside {
			if err := r.store.loadReach(ctx); err != nil {
				return err
			}
		}
		blocks, err := r.store.blocks(ctx, r.store.sampleIDs(r.series, o))
		if err != nil {
			return err
		}
		runs := make([]layer, 0, len(chunks)+len(blocks))
		for _, c := range chunks {
			runs = append(runs, layer{Chunk: c})
			r.open = minus(r.open, span{c.From, c.To})
		}
		for _, b := range blocks {
			s := o.within(span{b.id.first(), b.id.end()})
			runs = append(runs, layer{sampleChunk(b, s), 1 + int(b.id.lane().tier())})
			r.open = minus(r.open, s)
		}
		if err := r.join(runs, o); err != nil {
			return err
		}
	}
	return nil
}

func sampleChunk(b stored, s span) head.Chunk {
	return head.Chunk{From: s.from, To: s.to, Data: b.data, Decode: func(data []byte) ([]metrics.Point, error) {
		points, err := decodePoints(data)
		return head.Between(points, s.from, s.to), b.id.damaged(err)
	}}
}

// join takes what runs have in o. It makes one chunk of those that overlap.
func (r *reading) join(runs []layer, o span) error {
	slices.SortFunc(runs, func(a, b layer) int { return cmp.Compare(a.From, b.From) })
	for len(runs) > 0 {
		n, to := 1, runs[0].To
		for n < len(runs) && runs[n].From <= to {
			to = max(to, runs[n].To)
			n++
		}
		c := runs[0].Chunk
		if n > 1 {
			var err error
			if c, err = joined(runs[:n], to); err != nil {
				return err
			}
		}
		r.found = append(r.found, c.Clip(o.from, o.to).As(r.column))
		runs = runs[n:]
	}
	return nil
}

func joined(runs []layer, to int64) (c head.Chunk, err error) {
	from := runs[0].From
	slices.SortStableFunc(runs, func(a, b layer) int { return cmp.Compare(b.age, a.age) })
	var all []metrics.Point
	for _, one := range runs {
		points, err := one.Points()
		if err != nil {
			return c, err
		}
		all = head.Union(all, points)
	}
	return head.Chunk{From: from, To: to, Decode: func([]byte) ([]metrics.Point, error) { return slices.Clone(all), nil }}, nil
}

// pointsIn returns the points of a column.
func pointsIn(column head.Column, buckets []bucket, width int64) []metrics.Point {
	points := make([]metrics.Point, 0, 2*len(buckets))
	for i := range buckets {
		b := &buckets[i]
		if b.count > 0 {
			points = b.appendPoints(points, column, width)
		}
		if b.staleAt != 0 && (column == head.Last || column == head.Filled) {
			points = append(points, metrics.Point{At: b.staleAt, Value: metrics.StaleMarker()})
		}
	}
	return points
}

func (b *bucket) appendPoints(points []metrics.Point, column head.Column, width int64) []metrics.Point {
	v := b.last
	switch column {
	case head.Min:
		v = b.min
	case head.Max:
		v = b.max
	case head.Sum:
		v = b.sum
	case head.Count:
		v = float64(b.count)
	case head.Mean:
		v = b.sum / float64(b.count)
	case head.Filled:
		for at := b.firstAt; width > head.FillEvery && at < b.lastAt; at += head.FillEvery {
			points = append(points, metrics.Point{At: at, Value: b.sum / float64(b.count)})
		}
	case head.Counter:
		points = b.appendCourse(points)
	}
	return append(points, metrics.Point{At: b.lastAt, Value: v})
}

// appendCourse appends the first sample, and a peak and a fall to zero from which rate and increase, to which
// every fall is a reset, get the bucket's increase.
func (b *bucket) appendCourse(points []metrics.Point) []metrics.Point {
	if b.course == wild || b.firstAt == b.lastAt {
		return points
	}
	points = append(points, metrics.Point{At: b.firstAt, Value: b.begin()})
	if peak := b.increase - b.last + b.first; b.course == reset && b.lastAt-b.firstAt > 2 {
		points = append(points, metrics.Point{At: b.lastAt - 2, Value: peak}, metrics.Point{At: b.lastAt - 1, Value: 0})
	}
	return points
}
