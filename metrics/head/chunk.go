package head

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

// ChunkSamples is the number of samples at which a chunk is full. Prometheus found that
// longer chunks compress hardly better and cost every reader more:
// https://github.com/prometheus/prometheus/blob/main/tsdb/docs/format/chunks.md
const ChunkSamples = 120

// Chunk is a run of samples of one series. Chunks of one series never overlap.
// Data is the XOR encoding of tsdb/chunkenc with its two bytes of count in front; whoever
// holds a Chunk may read Data and must not change it.
//
// A chunk with Decode comes from a store that has a form of its own: Decode returns the points, sorted, of which all lie in
// [From, To], which may begin before them and end after them, and Samples is not known.
type Chunk struct {
	From, To int64 // Unix milliseconds of the first and the last sample
	Samples  int
	Data     []byte
	Decode   func(data []byte) ([]metrics.Point, error)
}

// Points decodes the chunk into a new slice, sorted by time. The error says what is wrong
// with bytes that are not those of a Chunk with these bounds.
func (c Chunk) Points() ([]metrics.Point, error) {
	if c.Decode != nil {
		return c.Decode(c.Data)
	}
	if len(c.Data) < chunkHeader {
		return nil, fmt.Errorf("chunk of %d bytes is too short", len(c.Data))
	}
	var xor chunkenc.XORChunk
	xor.Reset(c.Data)
	points := make([]metrics.Point, 0, xor.NumSamples())
	it := xor.Iterator(nil)
	for it.Next() != chunkenc.ValNone {
		at, v := it.At()
		if n := len(points); n > 0 && at <= points[n-1].At {
			return nil, fmt.Errorf("chunk goes back in time at sample %d", n+1)
		}
		points = append(points, metrics.Point{At: at, Value: v})
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("chunk ends after %d of %d samples: %w", len(points), xor.NumSamples(), err)
	}
	return points, c.checkBounds(points)
}

func (c Chunk) checkBounds(points []metrics.Point) error {
	n := len(points)
	if n == 0 || n != c.Samples || points[0].At != c.From || points[n-1].At != c.To {
		return fmt.Errorf("chunk does not hold the %d samples from %d to %d that it claims", c.Samples, c.From, c.To)
	}
	return nil
}

// Encode returns points, sorted and without duplicates, as the fewest chunks of even length.
// Even, because a chunk split in the middle has room for the next late sample on both sides.
func Encode(points []metrics.Point) []Chunk {
	if len(points) == 0 {
		return nil
	}
	pieces := (len(points) + ChunkSamples - 1) / ChunkSamples
	chunks := make([]Chunk, 0, pieces)
	for i := range pieces {
		piece := points[i*len(points)/pieces : (i+1)*len(points)/pieces]
		chunks = append(chunks, newChunk(piece).freeze())
	}
	return chunks
}

// Merge puts points, sorted and without duplicates, into chunks, sorted and without overlap,
// and returns all chunks of the union. A point replaces the sample at its instant. A point
// goes into the last chunk that begins no later, so every chunk given keeps its From; points before the first
// chunk become chunks of their own. Chunks without a new point come back as they are.
func Merge(chunks []Chunk, points []metrics.Point) ([]Chunk, error) {
	merged := make([]Chunk, 0, len(chunks)+1)
	before := len(points)
	if len(chunks) > 0 {
		before = firstAtOrAfter(points, chunks[0].From)
	}
	merged = append(merged, Encode(points[:before])...)
	points = points[before:]
	for i, c := range chunks {
		mine := len(points)
		if i+1 < len(chunks) {
			mine = firstAtOrAfter(points, chunks[i+1].From)
		}
		pieces, err := c.with(points[:mine])
		if err != nil {
			return nil, err
		}
		merged = append(merged, pieces...)
		points = points[mine:]
	}
	return merged, nil
}

// with returns the chunk with points put in, split where it grows beyond a full chunk.
func (c Chunk) with(points []metrics.Point) ([]Chunk, error) {
	if len(points) == 0 {
		return []Chunk{c}, nil
	}
	held, err := c.Points()
	if err != nil {
		return nil, err
	}
	return Encode(union(held, points)), nil
}

// union merges two sorted runs; where both have an instant, that of b stays.
func union(a, b []metrics.Point) []metrics.Point {
	out := make([]metrics.Point, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].At < b[0].At:
			out, a = append(out, a[0]), a[1:]
		case a[0].At == b[0].At:
			a = a[1:]
		default:
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// firstAtOrAfter returns the index of the first point that is not before at.
func firstAtOrAfter(points []metrics.Point, at int64) int {
	i, _ := slices.BinarySearchFunc(points, at, func(p metrics.Point, at int64) int { return cmp.Compare(p.At, at) })
	return i
}

// samePoint compares bit for bit: a stale marker is a NaN, and no NaN equals itself.
func samePoint(a, b metrics.Point) bool {
	return a.At == b.At && math.Float64bits(a.Value) == math.Float64bits(b.Value)
}
