package data

import (
	"fmt"
	"math"
)

// A bucket block, see block.go, has these columns, a number for each bucket and whole where nothing else is said:
//
//	its slot; its count; of its first and its last sample, the time from its beginning and to its end;
//	its course, and 4 more where it has a staleAt
//	byte: 0, and then min, max, last and sum as columns of values, or 1 + decimals, and then, times 10^decimals,
//	min, max-min, max-last, and sum less count times the mean of min and max
//	of those with a staleAt: the time from the beginning to it
//	of those with a reset: first and increase, as columns of values
const staleFlag = 4

// encodeBuckets returns the block of buckets of that width, sorted.
func encodeBuckets(buckets []bucket, width int64) []byte {
	block := appendHeader(bucketsFormat, len(buckets))
	column := make([]int64, 0, len(buckets))
	whole := func(of func(b *bucket) int64, has func(b *bucket) bool) {
		column = column[:0]
		for i := range buckets {
			if has(&buckets[i]) {
				column = append(column, of(&buckets[i]))
			}
		}
		block = appendInts(block, column)
	}
	every := func(*bucket) bool { return true }
	whole(func(b *bucket) int64 { return b.slot }, every)
	whole(func(b *bucket) int64 { return b.count }, every)
	whole(func(b *bucket) int64 { return b.firstAt - firstIn(b.slot, width) }, (*bucket).filled)
	whole(func(b *bucket) int64 { return b.slot*width - b.lastAt }, (*bucket).filled)
	whole((*bucket).flags, every)
	block = appendExtremes(block, buckets)
	whole(func(b *bucket) int64 { return b.staleAt - firstIn(b.slot, width) }, (*bucket).ended)
	block = appendValues(block, valuesOf(buckets, func(b *bucket) float64 { return b.first }, (*bucket).turned))
	block = appendValues(block, valuesOf(buckets, func(b *bucket) float64 { return b.increase }, (*bucket).turned))
	return closeBlock(block)
}

func (b *bucket) filled() bool { return b.count > 0 }
func (b *bucket) ended() bool  { return b.staleAt != 0 }
func (b *bucket) turned() bool { return b.course == reset }

func (b *bucket) flags() int64 {
	if b.ended() {
		return int64(b.course) | staleFlag
	}
	return int64(b.course)
}

func valuesOf(buckets []bucket, of func(b *bucket) float64, has func(b *bucket) bool) []float64 {
	values := make([]float64, 0, len(buckets))
	for i := range buckets {
		if has(&buckets[i]) {
			values = append(values, of(&buckets[i]))
		}
	}
	return values
}

// appendExtremes appends min, max, last and sum of the buckets that have samples.
func appendExtremes(block []byte, buckets []bucket) []byte {
	mins := valuesOf(buckets, func(b *bucket) float64 { return b.min }, (*bucket).filled)
	maxs := valuesOf(buckets, func(b *bucket) float64 { return b.max }, (*bucket).filled)
	lasts := valuesOf(buckets, func(b *bucket) float64 { return b.last }, (*bucket).filled)
	sums := valuesOf(buckets, func(b *bucket) float64 { return b.sum }, (*bucket).filled)
	decimals, ok := commonDecimals(mins, maxs, lasts)
	if !ok || !summable(sums, decimals) {
		block = append(block, 0)
		for _, values := range [][]float64{mins, maxs, lasts, sums} {
			block = appendValues(block, values)
		}
		return block
	}
	low, high := scaled(mins, decimals, nil), scaled(maxs, decimals, nil)
	last, sum := scaled(lasts, decimals, nil), scaled(sums, decimals, nil)
	i := 0
	for _, b := range buckets {
		if b.count == 0 {
			continue
		}
		sum[i] -= b.count * (low[i] + high[i]) / 2
		last[i] = high[i] - last[i]
		high[i] -= low[i]
		i++
	}
	block = append(block, byte(1+decimals))
	for _, ints := range [][]int64{low, high, last, sum} {
		block = appendInts(block, ints)
	}
	return block
}

// commonDecimals returns the decimals with which all values of all columns are written exactly.
func commonDecimals(columns ...[]float64) (decimals int, ok bool) {
	for _, values := range columns {
		d, odd, ok := decimalsOf(values)
		if !ok || len(odd) > 0 {
			return 0, false
		}
		decimals = max(decimals, d)
	}
	for _, values := range columns {
		for _, v := range values {
			if !decimal(v, decimals) {
				return 0, false
			}
		}
	}
	return decimals, true
}

// summable reports whether sums are whole numbers of 10^-decimals, but for what adding up floats has spoilt.
func summable(sums []float64, decimals int) bool {
	for _, v := range sums {
		n := v * powers[decimals]
		if !(math.Abs(n) < exact) || math.Abs(n-math.Round(n)) > 1e-6 {
			return false
		}
	}
	return true
}

// decodeBuckets returns the buckets of a block whose tier has that width.
func decodeBuckets(block []byte, width int64) ([]bucket, error) {
	n, c, err := openBlock(bucketsFormat, block)
	if err != nil {
		return nil, err
	}
	buckets, column := make([]bucket, n), make([]int64, n)
	whole := func(into func(b *bucket, v int64), has func(b *bucket) bool) {
		column = column[:count(buckets, has)]
		c.ints(column)
		i := 0
		for k := range buckets {
			if has(&buckets[k]) {
				into(&buckets[k], column[i])
				i++
			}
		}
	}
	every := func(*bucket) bool { return true }
	whole(func(b *bucket, v int64) { b.slot = v }, every)
	whole(func(b *bucket, v int64) { b.count = v }, every)
	whole(func(b *bucket, v int64) { b.firstAt = v + firstIn(b.slot, width) }, (*bucket).filled)
	whole(func(b *bucket, v int64) { b.lastAt = b.slot*width - v }, (*bucket).filled)
	whole(func(b *bucket, v int64) { b.course, b.staleAt = course(v&(staleFlag-1)), v&staleFlag }, every)
	c.extremes(buckets)
	whole(func(b *bucket, v int64) { b.staleAt = v + firstIn(b.slot, width) }, (*bucket).ended)
	c.spread(buckets, func(b *bucket, v float64) { b.first = v }, (*bucket).turned)
	c.spread(buckets, func(b *bucket, v float64) { b.increase = v }, (*bucket).turned)
	if c.err != nil {
		return nil, c.err
	}
	for i := range buckets {
		if i > 0 && buckets[i].slot <= buckets[i-1].slot {
			return nil, fmt.Errorf("it goes back in time at bucket %d", i+1)
		}
	}
	return buckets, nil
}

func count(buckets []bucket, has func(b *bucket) bool) (n int) {
	for i := range buckets {
		if has(&buckets[i]) {
			n++
		}
	}
	return n
}

// spread reads a column of values into the buckets that have one.
func (c *columns) spread(buckets []bucket, into func(b *bucket, v float64), has func(b *bucket) bool) {
	n := count(buckets, has)
	values := make([]float64, n)
	c.values(values, make([]int64, n))
	i := 0
	for k := range buckets {
		if has(&buckets[k]) {
			into(&buckets[k], values[i])
			i++
		}
	}
}

func (c *columns) extremes(buckets []bucket) {
	kind := c.byte()
	if kind == 0 {
		c.spread(buckets, func(b *bucket, v float64) { b.min = v }, (*bucket).filled)
		c.spread(buckets, func(b *bucket, v float64) { b.max = v }, (*bucket).filled)
		c.spread(buckets, func(b *bucket, v float64) { b.last = v }, (*bucket).filled)
		c.spread(buckets, func(b *bucket, v float64) { b.sum = v }, (*bucket).filled)
		return
	}
	if kind > 1+maxScale {
		c.fail(fmt.Errorf("a value of %d decimals is unknown", kind-1))
		return
	}
	n := count(buckets, (*bucket).filled)
	all := make([]int64, 4*n)
	low, high, last, sum := all[:n], all[n:2*n], all[2*n:3*n], all[3*n:]
	for _, ints := range [][]int64{low, high, last, sum} {
		c.ints(ints)
	}
	scale, i := powers[kind-1], 0
	for k := range buckets {
		b := &buckets[k]
		if !b.filled() {
			continue
		}
		top := low[i] + high[i]
		b.min, b.max, b.last = float64(low[i])/scale, float64(top)/scale, float64(top-last[i])/scale
		b.sum = float64(sum[i]+b.count*(low[i]+top)/2) / scale
		i++
	}
}
