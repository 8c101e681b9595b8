package head

import (
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// millis is Unix milliseconds. Spelled int64, it makes go vet take Seek for that of io.Seeker.
type millis = int64

// iterator walks the samples of a Series, chunk after chunk.
type iterator struct {
	mint, maxt int64
	rest       []Chunk
	xor        chunkenc.XORChunk
	it         chunkenc.Iterator // of xor; nil before the first chunk
	spare      chunkenc.Iterator // to make the next one of
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
		it.it = nil
		if it.spare.Err() != nil {
			return it.end(it.spare.Err())
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
