package data

import (
	"context"
	"database/sql"
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
	// rollTogether is how many blocks a transaction writes: as long as one takes, a sender may wait.
	rollTogether = 32
	// worthRolling is how many samples a bucket must stand for on average. Below that buckets take more room than the samples.
	worthRolling = 8
)

// Rollup moves samples out of chunks into blocks and makes the buckets of every tier, for all spans that are complete at now and
// marked. It takes a short transaction for a few blocks at a time, and is safe at any point of a crash: a mark
// goes with the transaction that makes its block.
func (s *Store) Rollup(ctx context.Context, now time.Time) error {
	s.rolling.Lock()
	defer s.rolling.Unlock()
	before := now.Add(-rollAfter).UnixMilli()
	for t := range tier(tiers) {
		ids := s.marks.below(t, before)
		slices.Sort(ids)
		for part := range slices.Chunk(ids, rollTogether) {
			if err := s.roll(ctx, t, part, before); err != nil {
				return fmt.Errorf("roll up tier %s: %w", metrics.Tiers[t], err)
			}
		}
	}
	return s.loadReach(ctx) // what moved up may have been the oldest
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

// roll makes the blocks of some marks. No seal may come between what it reads and what it writes.
func (s *Store) roll(ctx context.Context, t tier, ids []blockID, before int64) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	w := work{put: make(map[blockID][]byte)}
	for _, id := range ids {
		var err error
		if t == 0 {
			err = s.rollChunks(ctx, &w, id, before)
		} else {
			err = s.rollSpan(ctx, &w, id)
		}
		if err != nil {
			return fmt.Errorf("series %d: %w", id.series(), err)
		}
	}
	return s.write(ctx, &w)
}

func (s *Store) write(ctx context.Context, w *work) error {
	if len(w.done) == 0 {
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

// rollChunks puts what the chunks of the mark's series have in complete spans into blocks of samples. A chunk that is whole in
// them goes, but for the newest of the series, from which the head begins at the next start.
func (s *Store) rollChunks(ctx context.Context, w *work, id blockID, before int64) error {
	w.done = append(w.done, id)
	end := before / tierSpans[0] * tierSpans[0]
	chunks, newest, err := s.chunksUntil(ctx, id.series(), end)
	if err != nil {
		return err
	}
	spans := make(map[int64][]metrics.Point)
	for _, c := range chunks {
		points, err := c.Points()
		if err != nil {
			return fmt.Errorf("%w: chunk from %d: %w", ErrDamaged, c.From, err)
		}
		placed := true
		for _, p := range points {
			if p.At > end || !placeable(p.At) {
				placed = false
				continue
			}
			n := slot(p.At, tierSpans[0])
			spans[n] = append(spans[n], p)
		}
		if placed && c.From != newest {
			w.chunks = append(w.chunks, chunkKey{id.series(), c.From})
		}
	}
	for n, points := range spans {
		if err := s.rollPoints(ctx, w, idOf(tier(0).samples(), n, id.series()), points); err != nil {
			return err
		}
	}
	return nil
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

// chunksUntil returns the stored chunks of a series that begin no later than end, and where its newest begins.
func (s *Store) chunksUntil(ctx context.Context, id, end int64) (chunks []head.Chunk, newest int64, err error) {
	if err := s.readers.QueryRowContext(ctx, `
		SELECT IFNULL(MAX(from_at), 0)
		FROM chunks
		WHERE series = ? AND tier = 0`, id).Scan(&newest); err != nil {
		return nil, 0, damage(err)
	}
	rows, err := s.readers.QueryContext(ctx, `
		SELECT from_at, to_at, samples, data
		FROM chunks
		WHERE series = ? AND tier = 0 AND from_at <= ?
		ORDER BY from_at`, id, end)
	if err != nil {
		return nil, 0, damage(err)
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanChunk(rows, id)
		if err != nil {
			return nil, 0, err
		}
		chunks = append(chunks, c)
	}
	return chunks, newest, damage(rows.Err())
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
