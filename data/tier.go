package data

import (
	"time"
)

// A tier is a resolution at which samples are kept. Tier 0 is the samples themselves; the others have a bucket
// for each width in which there are samples. What a tier keeps is cut into spans, and a row of the table blocks
// is one span of one series. A span is a whole number of the spans and buckets of every finer tier.
type tier int

const tiers = 5 // as metrics.Tiers

var (
	tierWidths = [tiers]int64{0, millis(10 * time.Second), millis(time.Minute), millis(10 * time.Minute), millis(time.Hour)}
	// A row is some KiB in each tier at a sample a second: smaller ones leave room at the end of
	// SQLite's pages, larger ones are read for a part of them.
	tierSpans = [tiers]int64{millis(2 * time.Hour), millis(6 * time.Hour), millis(24 * time.Hour), millis(7 * 24 * time.Hour), millis(56 * 24 * time.Hour)}
)

func millis(d time.Duration) int64 { return d.Milliseconds() }

// Spans and buckets are open at their beginning and closed at their end, as the ranges of PromQL are: a window
// whose ends are multiples of the width is then made of whole buckets, and what is computed of them is exact.

// slot returns the number of the span or bucket of that width that holds the instant t: it ends at slot*width.
func slot(t, width int64) int64 {
	n := t / width
	if t%width > 0 {
		n++
	}
	return n
}

// firstIn returns the first instant of the span or bucket.
func firstIn(slot, width int64) int64 { return (slot-1)*width + 1 }

// lane is one kind of rows of the table blocks: those that hold samples, and those that hold buckets, of one tier. A
// tier has samples in the place of buckets where there are too few to a bucket.
type lane int

const (
	bucketLanes = tiers // the lane of a tier's buckets is the tier and this
	lanes       = bucketLanes + tiers
)

func (t tier) samples() lane { return lane(t) }
func (t tier) buckets() lane { return lane(t) + bucketLanes }
func (l lane) tier() tier    { return tier(l % bucketLanes) }
func (l lane) span() int64   { return tierSpans[l.tier()] }

// A block's id is all that finds it: there is no index. Lane and span stand before the series, so that the rows
// made at one time fill whole pages and the oldest of a tier are found at its beginning.
type blockID int64

const (
	seriesBits = 36
	slotBits   = 23
	maxSlot    = 1<<slotBits - 1
	maxSeries  = 1<<seriesBits - 1
)

func idOf(l lane, slot, series int64) blockID {
	return blockID(int64(l)<<(slotBits+seriesBits) | slot<<seriesBits | series)
}

func (id blockID) lane() lane    { return lane(id >> (slotBits + seriesBits)) }
func (id blockID) slot() int64   { return int64(id) >> seriesBits & maxSlot }
func (id blockID) series() int64 { return int64(id) & maxSeries }
func (id blockID) end() int64    { return id.slot() * id.lane().span() }
func (id blockID) first() int64  { return firstIn(id.slot(), id.lane().span()) }

// placeable reports whether blocks can hold the instant t. Others stay in chunks.
func placeable(t int64) bool { return t >= 0 && slot(t, tierSpans[0]) <= maxSlot }
