package head

import (
	"math"

	"liveboard/metrics"
)

// Rollup is what a selection may read in the place of samples.
type Rollup struct {
	Width  int64 // the widest buckets that will do, milliseconds; 0 asks for samples. Where a store has nothing else, wider ones come
	Column Column
}

// Column is what the points of a selection are: a function of PromQL over them gives what it gives over the samples.
type Column uint8

// The columns. A sample counts as a bucket of its own.
const (
	Last    Column = iota // the newest sample of each bucket, and a stale marker where the bucket ends with one
	Filled                // Last, and the mean at every FillEvery inside of wide buckets, so that the lookback finds something
	Min                   // the lowest
	Max                   // the highest
	Sum                   // their sum
	Count                 // how many samples; a sample is 1, a stale marker nothing
	Mean                  // Sum by Count
	Counter               // the first and the newest, and between them what makes rate and increase see every reset
)

// FillEvery is less than half of PromQL's lookback, in milliseconds.
const FillEvery = 120_000

// Of returns points, samples, as points of the column. It may change them.
func (c Column) Of(points []metrics.Point) []metrics.Point {
	if c != Count {
		return points
	}
	kept := points[:0]
	for _, p := range points {
		if !metrics.IsStale(p.Value) {
			kept = append(kept, metrics.Point{At: p.At, Value: 1})
		}
	}
	return kept
}

// As returns the chunk, which holds samples, with points of the column.
func (c Chunk) As(column Column) Chunk {
	if column != Count {
		return c
	}
	samples := c
	c.Decode = func([]byte) ([]metrics.Point, error) {
		points, err := samples.Points()
		return column.Of(points), err
	}
	return c
}

// Clip returns the chunk without what lies outside [from, to].
func (c Chunk) Clip(from, to int64) Chunk {
	if c.From >= from && c.To <= to {
		return c
	}
	whole := c
	c.From, c.To = max(c.From, from), min(c.To, to)
	c.Decode = func([]byte) ([]metrics.Point, error) {
		points, err := whole.Points()
		return Between(points, from, to), err
	}
	return c
}

// Between returns the points, sorted by time, in [from, to].
func Between(points []metrics.Point, from, to int64) []metrics.Point {
	points = points[firstAtOrAfter(points, from):]
	if to == math.MaxInt64 {
		return points
	}
	return points[:firstAtOrAfter(points, to+1)]
}

// Union merges two sorted runs of points; where both have an instant, that of b stays.
func Union(a, b []metrics.Point) []metrics.Point {
	if len(a) == 0 || len(b) == 0 || a[len(a)-1].At < b[0].At {
		return append(a[:len(a):len(a)], b...)
	}
	return union(a, b)
}
