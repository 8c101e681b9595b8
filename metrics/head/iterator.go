package head

import (
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

// millis is Unix milliseconds. Spelled int64, it makes go vet take Seek for that of io.Seeker.
type millis = int64

// iterator walks the samples of a Series, chunk after chunk.
type iterator struct {
	mint, maxt int64
	rest       []Chunk
	xor        chunkenc.XORChunk
	it         walker            // of xor or of list; nil before the first chunk
	spare      chunkenc.Iterator // of xor, to make the next one of
	list       list
	at         int64
	valid      bool // at is the time of a current sample
	err        error
}

func newIterator(reuse chunkenc.Iterator, s *Series) *iterator {
	it, ok := reuse.(*iterator)
	if !ok {
		it = new(iterator)
	}
	*it = iterator{mint: s.mint, maxt: s.maxt, rest: s.chunks, spare: it.spare}
	return it
}

// Next goes to the next sample.
func (it *iterator) Next() chunkenc.ValueType {
	if it.it == nil {
		return it.seek(it.mint)
	}
	if it.it.Next() == chunkenc.ValNone {
		err := it.it.Err()
		if it.it = nil; err != nil {
			return it.end(err)
		}
		return it.seek(it.mint)
	}
	return it.land()
}

// Seek goes to the first sample at t or later, and stays where the current one is that.
// Chunks that end before t are not decoded.
func (it *iterator) Seek(t millis) chunkenc.ValueType {
	if it.valid && it.at >= t {
		return chunkenc.ValFloat
	}
	return it.seek(max(t, it.mint))
}

// seek goes to the first sample at t or later in the current chunk or those that follow.
func (it *iterator) seek(t int64) chunkenc.ValueType {
	for it.err == nil {
		if it.it != nil && it.it.Seek(t) != chunkenc.ValNone {
			return it.land()
		}
		if it.it != nil && it.it.Err() != nil {
			return it.end(it.it.Err())
		}
		for len(it.rest) > 0 && it.rest[0].To < t {
			it.rest = it.rest[1:]
		}
		if len(it.rest) == 0 {
			return it.end(nil)
		}
		it.open(it.rest[0])
		it.rest = it.rest[1:]
	}
	return chunkenc.ValNone
}

func (it *iterator) open(c Chunk) {
	if c.Decode != nil {
		it.list = list{next: -1}
		it.list.points, it.list.err = c.Points()
		it.it = &it.list
		return
	}
	it.xor.Reset(c.Data)
	it.spare = it.xor.Iterator(it.spare)
	it.it = it.spare
}

// land takes the sample that the chunk's iterator stands at.
func (it *iterator) land() chunkenc.ValueType {
	it.at = it.it.AtT()
	it.valid = it.at <= it.maxt
	if !it.valid {
		return it.end(nil)
	}
	return chunkenc.ValFloat
}

func (it *iterator) end(err error) chunkenc.ValueType {
	it.it, it.rest, it.valid, it.err = nil, nil, false, err
	return chunkenc.ValNone
}

// At returns the current sample.
func (it *iterator) At() (int64, float64) { return it.it.At() }

// AtT returns the time of the current sample.
func (it *iterator) AtT() int64 { return it.at }

// AtST returns 0: samples have no start time.
func (it *iterator) AtST() int64 { return 0 }

// Err returns why the samples ended early, or nil.
func (it *iterator) Err() error { return it.err }

// AtHistogram is never called: all values are floats.
func (it *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) {
	return it.at, nil
}

// AtFloatHistogram is never called: all values are floats.
func (it *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return it.at, nil
}

// walker is what an iterator asks of that of one chunk.
type walker interface {
	Next() chunkenc.ValueType
	Seek(t millis) chunkenc.ValueType
	At() (int64, float64)
	AtT() int64
	Err() error
}

// list walks points that are decoded already.
type list struct {
	points []metrics.Point
	next   int // the current one; -1 before the first
	err    error
}

// Next goes to the next point.
func (l *list) Next() chunkenc.ValueType {
	l.next++
	return l.here()
}

// Seek goes to the first point at t or later, not back.
func (l *list) Seek(t millis) chunkenc.ValueType {
	l.next = max(l.next, 0)
	if l.next < len(l.points) && l.points[l.next].At < t {
		l.next += firstAtOrAfter(l.points[l.next:], t)
	}
	return l.here()
}

func (l *list) here() chunkenc.ValueType {
	if l.next >= len(l.points) {
		return chunkenc.ValNone
	}
	return chunkenc.ValFloat
}

// At returns the current point.
func (l *list) At() (int64, float64) { return l.points[l.next].At, l.points[l.next].Value }

// AtT returns the time of the current point.
func (l *list) AtT() int64 { return l.points[l.next].At }

// Err returns why there are no more.
func (l *list) Err() error { return l.err }
