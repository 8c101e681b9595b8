package data

import (
	"math"

	"liveboard/metrics"
)

// bucket is what a tier keeps of the samples of one series in one width of time.
type bucket struct {
	slot          int64 // it ends at slot*width
	firstAt       int64
	lastAt        int64 // of the last sample that is no stale marker
	staleAt       int64 // of a stale marker after all samples, 0 where there is none
	count         int64 // of samples, stale markers not among them; a bucket of 0 has staleAt alone
	min, max, sum float64
	last          float64
	course        course
	first         float64 // where course is reset; where it is rising the first sample is min
	increase      float64 // where course is reset: of a counter, from the first sample to the last
}

// course is how values move inside a bucket: what rate and increase can know of it.
type course uint8

const (
	rising course = iota // no value is below the one before: the first is the lowest, the last the highest
	reset                // values fall, as counters do at a reset: each time to less than half of what was
	wild                 // values fall otherwise: this is no counter
)

// bucketsOf returns the buckets of points, sorted by time.
func bucketsOf(points []metrics.Point, width int64) []bucket {
	var buckets []bucket
	for _, p := range points {
		n := slot(p.At, width)
		if len(buckets) == 0 || buckets[len(buckets)-1].slot != n {
			buckets = append(buckets, bucket{slot: n})
		}
		buckets[len(buckets)-1].add(p)
	}
	return buckets
}

// add takes in the next sample.
func (b *bucket) add(p metrics.Point) {
	if metrics.IsStale(p.Value) {
		b.staleAt = p.At
		return
	}
	one := bucket{firstAt: p.At, lastAt: p.At, count: 1, min: p.Value, max: p.Value, sum: p.Value, last: p.Value, first: p.Value}
	if math.IsNaN(p.Value) {
		one.course = wild
	}
	b.join(one)
}

// join takes in a bucket that follows b in time.
func (b *bucket) join(next bucket) {
	switch {
	case next.count == 0:
		b.staleAt = max(b.staleAt, next.staleAt)
		return
	case b.count == 0:
		next.slot = b.slot
		*b = next
		return
	}
	b.follow(next)
	b.count += next.count
	b.sum += next.sum
	b.min, b.max = lower(b.min, next.min), -lower(-b.max, -next.max)
	b.last, b.lastAt, b.staleAt = next.last, next.lastAt, next.staleAt
}

// follow brings course, first and increase up to the end of next.
func (b *bucket) follow(next bucket) {
	begin := next.begin()
	falls := !(begin >= b.last)
	switch {
	case b.course == wild || next.course == wild || falls && !(begin >= 0 && begin < b.last/2):
		b.course = wild
		return
	case !falls && b.course == rising && next.course == rising:
		return
	}
	b.first, b.increase = b.begin(), b.gain()+next.gain()+begin
	if !falls {
		b.increase -= b.last
	}
	b.course = reset
}

// begin returns the first sample, which is not known of a wild bucket.
func (b *bucket) begin() float64 {
	if b.course == rising {
		return b.min
	}
	return b.first
}

// gain returns how much a counter grew from the first sample to the last, resets left out.
func (b *bucket) gain() float64 {
	if b.course == rising {
		return b.last - b.min
	}
	return b.increase
}

// lower returns the lower number. NaN is no number while there is another.
func lower(a, b float64) float64 {
	if b < a || math.IsNaN(a) {
		return b
	}
	return a
}

// widen returns the buckets of a coarser tier that finer ones, sorted, come to.
func widen(finer []bucket, from, width int64) []bucket {
	var buckets []bucket
	for _, f := range finer {
		n := slot(f.slot*from, width)
		if len(buckets) == 0 || buckets[len(buckets)-1].slot != n {
			buckets = append(buckets, bucket{slot: n})
		}
		buckets[len(buckets)-1].join(f)
	}
	return buckets
}

// overlay returns the union of two sorted runs of buckets. Where both have one, the one with more samples stays: a
// bucket that was made of fewer than the one that is there was made of what came after
// the samples of that were deleted. Of equals the fresh one stays.
func overlay(held, fresh []bucket) []bucket {
	out := make([]bucket, 0, max(len(held), len(fresh)))
	for len(held) > 0 && len(fresh) > 0 {
		h, f := held[0], fresh[0]
		if h.slot <= f.slot {
			held = held[1:]
		}
		if f.slot <= h.slot {
			fresh = fresh[1:]
		}
		if h.slot < f.slot || h.slot == f.slot && h.count > f.count {
			out = append(out, h)
		} else {
			out = append(out, f)
		}
	}
	return append(append(out, held...), fresh...)
}
