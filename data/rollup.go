package data

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

const (
	rollEvery = time.Minute
	// rollAfter is how long after its end a span is taken for complete. What comes later is put in all the same.
	rollAfter = 5 * time.Minute
	// rollTogether is after how many marks or blocks a transaction ends: as long as one takes, a sender may wait.
	rollTogether = 32
	// rollChunksTogether is how many chunks of a series are moved at once, and the rest of the span that the last is in.
	rollChunksTogether = 64
	// worthRolling is how many samples a bucket must stand for on average. Below that buckets take more room than the samples.
	worthRolling = 8
)

// Rollup moves samples out of chunks into blocks and makes the buckets of every tier, for all spans that are complete at now and
// marked. It takes a short transaction for a few blocks at a time, and is safe at any point of a crash: a mark
// goes with the transaction that makes its block. Damage stops what it concerns and nothing else; it is the error.
func (s *Store) Rollup(ctx context.Context, now time.Time) error {
	s.rolling.Lock()
	defer s.rolling.Unlock()
	before := now.Add(-rollAfter).UnixMilli()
	var damaged error
	for t := range tier(tiers) {
		ids := s.marks.below(t, before)
		slices.Sort(ids)
		for len(ids) > 0 {
			n, err := s.roll(ctx, t, ids, before)
			if err != nil {
				err = fmt.Errorf("roll up tier %s: %w", metrics.Tiers[t], err)
			}
			if err != nil && !errors.Is(err, ErrDamaged) {
				return err
			}
			damaged = cmp.Or(damaged, err)
			ids = ids[n:]
		}
	}
	return cmp.Or(damaged, s.loadReach(ctx)) // what moved up may have been the oldest
}

// work is what one transaction of a roll-up changes.
type work struct {
	put    map[blockID][]byte
	drop   []blockID
	chunks []chunkKey // to be deleted
	add    []blockID  // marks
	done   []blockID
}

// chunkKey is what finds a row of the table chunks.
type chunkKey struct{ series, from int64 }

// roll makes the blocks of the first few marks, and returns with how many it is through. No seal may come between what it
// reads and what it writes. Marks of what is damaged stay, and the error is about the first of them.
func (s *Store) roll(ctx context.Context, t tier, ids []blockID, before int64) (through int, err error) {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	w := work{put: make(map[blockID][]byte)}
	more := false
	for len(w.put) < rollTogether && through < min(len(ids), rollTogether) && !more {
		var e error
		if id := ids[through]; t == 0 {
			more, e = s.rollChunks(ctx, &w, id, before)
		} else {
			e = s.rollSpan(ctx, &w, id)
		}
		if e != nil && !errors.Is(e, ErrDamaged) {
			return through, e
		}
		err = cmp.Or(err, e)
		if !more {
			through++
		}
	}
	return through, cmp.Or(s.write(ctx, &w), err)
}

func (s *Store) write(ctx context.Context, w *work) error {
	if len(w.done)+len(w.chunks) == 0 {
		return ctx.Err()
	}
	s.noteReach(w.put)
	return s.remarked(ctx, w.add, w.done, func(tx *sql.Tx) error {
		for id, data := range w.put {
			if _, err := tx.StmtContext(ctx, s.putBlock).ExecContext(ctx, id, data); err != nil {
				return fmt.Errorf("put block: %w", err)
			}
		}
		for _, id := range w.drop {
			if _, err := tx.StmtContext(ctx, s.deleteBlock).ExecContext(ctx, id); err != nil {
				return fmt.Errorf("delete block: %w", err)
			}
		}
		for _, c := range w.chunks {
			if _, err := tx.StmtContext(ctx, s.deleteChunk).ExecContext(ctx, c.series, c.from); err != nil {
				return fmt.Errorf("delete chunk: %w", err)
			}
		}
		return nil
	})
}

const (
	putBlock = `
	INSERT INTO blocks (id, data)
	VALUES (?, ?)
	ON CONFLICT DO UPDATE SET data = excluded.data`
	deleteBlock = `
	DELETE FROM blocks
	WHERE id = ?`
	deleteChunk = `
	DELETE FROM chunks
	WHERE series = ? AND tier = 0 AND from_at = ?`
)

// rollChunks puts what the chunks of the mark's series have in complete spans into blocks of samples, and reports whether there
// are more chunks than it takes at once. A chunk that is whole in such spans goes, but for the newest of the series, from which the
// head begins at the next start. Spans that the others have samples in are marked, to be looked at again.
func (s *Store) rollChunks(ctx context.Context, w *work, id blockID, before int64) (more bool, err error) {
	series, end := id.series(), before/tierSpans[0]*tierSpans[0]
	chunks, more, err := s.chunksUntil(ctx, series, end)
	if err != nil {
		return false, err
	}
	newest, err := s.newestChunk(ctx, series)
	if err != nil {
		return false, err
	}
	complete, others, err := bySpan(chunks, end)
	if err != nil {
		return false, fmt.Errorf("%w: series %d: %w", ErrDamaged, series, err)
	}
	for n, points := range complete {
		if err := s.rollPoints(ctx, w, idOf(tier(0).samples(), n, series), points); err != nil {
			return false, err
		}
	}
	for n := range others {
		of := marksOf(series, n*tierSpans[0])
		w.add = append(w.add, of[:]...)
	}
	for _, c := range chunks {
		if c.To <= end && placeable(c.From) && c.From != newest {
			w.chunks = append(w.chunks, chunkKey{series, c.From})
		}
	}
	if !more {
		w.done = append(w.done, id)
	}
	return more, nil
}

// bySpan returns the samples of chunks up to end, by the number of their span, and the numbers of the spans of the others.
func bySpan(chunks []head.Chunk, end int64) (complete map[int64][]metrics.Point, others map[int64]bool, err error) {
	complete, others = make(map[int64][]metrics.Point), make(map[int64]bool)
	for _, c := range chunks {
		points, err := c.Points()
		if err != nil {
			return nil, nil, fmt.Errorf("chunk from %d: %w", c.From, err)
		}
		for _, p := range points {
			switch n := slot(p.At, tierSpans[0]); {
			case !placeable(p.At):
			case p.At > end:
				others[n] = true
			default:
				complete[n] = append(complete[n], p)
			}
		}
	}
	return complete, others, nil
}

// rollPoints puts points, all of its span, into a block of samples.
func (s *Store) rollPoints(ctx context.Context, w *work, id blockID, points []metrics.Point) error {
	held, err := s.pointsOf(ctx, w, id)
	if err != nil {
		return err
	}
	all := head.Union(held, points)
	if slices.EqualFunc(held, all, samePoint) {
		return nil
	}
	w.put[id] = encodePoints(all)
	marks := marksOf(id.series(), id.end())
	w.add = append(w.add, marks[1:]...)
	return nil
}

func samePoint(a, b metrics.Point) bool {
	return a.At == b.At && math.Float64bits(a.Value) == math.Float64bits(b.Value)
}

// newestChunk returns where the newest chunk of a series begins.
func (s *Store) newestChunk(ctx context.Context, series int64) (from int64, err error) {
	err = s.readers.QueryRowContext(ctx, `
		SELECT IFNULL(MAX(from_at), 0)
		FROM chunks
		WHERE series = ? AND tier = 0`, series).Scan(&from)
	return from, damage(err)
}

// chunksUntil returns the oldest of the stored chunks of a series that begin no later than end and are to be placed, and
// whether there are more. Those of a span come together, or its block would be made again and again.
func (s *Store) chunksUntil(ctx context.Context, series, end int64) (chunks []head.Chunk, more bool, err error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT from_at, to_at, samples, data
		FROM chunks
		WHERE series = ? AND tier = 0 AND from_at <= ? AND to_at >= 0
		ORDER BY from_at`, series, end)
	if err != nil {
		return nil, false, damage(err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanChunk(rows, series)
		if err != nil {
			return nil, false, err
		}
		if n := len(chunks); n >= rollChunksTogether && slot(c.From, tierSpans[0]) > slot(chunks[n-1].To, tierSpans[0]) {
			return chunks, true, nil
		}
		chunks = append(chunks, c)
	}
	return chunks, false, damage(rows.Err())
}

// source is what a tier has of a span, from which its block is made.
type source struct {
	points  []metrics.Point // of blocks of samples, of this tier, the finer one and those to which some moved up already
	from    []blockID       // the finer blocks that points are of
	buckets []bucket        // of the finer tier, as wide as this one's
	held    []bucket        // of this tier
}

// rollSpan makes the block of a tier's span from the finer tier. Where that has samples, and few, they move up as they are.
func (s *Store) rollSpan(ctx context.Context, w *work, id blockID) error {
	t := id.lane().tier()
	if s.unsettled(t, id) {
		return nil // the mark stays
	}
	w.done = append(w.done, id)
	from, err := s.sourceOf(ctx, w, t, id)
	if err != nil {
		return err
	}
	if len(from.buckets) == 0 && len(from.held) == 0 && sparse(from.points, tierWidths[t]) {
		if len(from.from) > 0 {
			w.put[id] = encodePoints(from.points)
			w.drop = append(w.drop, from.from...)
		}
		return nil
	}
	buckets := overlay(from.held, overlay(from.buckets, bucketsOf(from.points, tierWidths[t])))
	if len(buckets) > 0 {
		w.put[idOf(t.buckets(), id.slot(), id.series())] = encodeBuckets(buckets, tierWidths[t])
	}
	return nil
}

// unsettled reports whether the finer tier still has a mark in the span.
func (s *Store) unsettled(t tier, id blockID) bool {
	for _, child := range children(t, id) {
		if s.marks.has(child) {
			return true
		}
	}
	return false
}

// children returns the spans of the finer tier that make up one of tier t, as blocks of samples.
func children(t tier, id blockID) []blockID {
	each := tierSpans[t] / tierSpans[t-1]
	ids := make([]blockID, each)
	for i := range ids {
		ids[i] = idOf((t - 1).samples(), (id.slot()-1)*each+int64(i)+1, id.series())
	}
	return ids
}

func (s *Store) sourceOf(ctx context.Context, w *work, t tier, id blockID) (from source, err error) {
	for own := tiers - 1; own >= int(t); own-- {
		lane := tier(own).samples()
		points, err := s.pointsOf(ctx, w, idOf(lane, slot(id.end(), lane.span()), id.series()))
		if err != nil {
			return from, err
		}
		from.points = head.Union(from.points, head.Between(points, id.first(), id.end()))
	}
	if from.held, err = s.bucketsOf(ctx, idOf(t.buckets(), id.slot(), id.series())); err != nil {
		return from, err
	}
	for _, child := range children(t, id) {
		points, err := s.pointsOf(ctx, w, child)
		if err != nil {
			return from, err
		}
		if len(points) > 0 {
			from.points, from.from = head.Union(from.points, points), append(from.from, child)
		}
		if t == 1 {
			continue
		}
		finer, err := s.bucketsOf(ctx, idOf((t-1).buckets(), child.slot(), id.series()))
		if err != nil {
			return from, err
		}
		from.buckets = append(from.buckets, widen(finer, tierWidths[t-1], tierWidths[t])...)
	}
	return from, nil
}

func sparse(points []metrics.Point, width int64) bool {
	buckets, last := 0, int64(-1)
	for _, p := range points {
		if n := slot(p.At, width); n != last {
			buckets, last = buckets+1, n
		}
	}
	return len(points) < worthRolling*buckets
}

// pointsOf returns the samples of a block, as w leaves it.
func (s *Store) pointsOf(ctx context.Context, w *work, id blockID) ([]metrics.Point, error) {
	data, ok := w.put[id]
	if !ok {
		var err error
		if data, err = s.block(ctx, id); err != nil || data == nil {
			return nil, err
		}
	}
	points, err := decodePoints(data)
	return points, id.damaged(err)
}

func (s *Store) bucketsOf(ctx context.Context, id blockID) ([]bucket, error) {
	data, err := s.block(ctx, id)
	if err != nil || data == nil {
		return nil, err
	}
	buckets, err := decodeBuckets(data, tierWidths[id.lane().tier()])
	return buckets, id.damaged(err)
}

// damaged tells which block is not what was written.
func (id blockID) damaged(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: block %d (tier %s of series %d, to %d): %w", ErrDamaged, int64(id), metrics.Tiers[id.lane().tier()], id.series(), id.end(), err)
}
