package metrics

import (
	"fmt"
	"math"
	"time"
)

// The time window in which a sample is accepted, around the moment of its arrival.
const (
	MaxPast   = 7 * 24 * time.Hour
	MaxFuture = 10 * time.Minute
)

// staleBits is the NaN with which Prometheus ends a series:
// https://prometheus.io/docs/specs/native_histograms/#staleness-markers and model/value.StaleNaN.
const staleBits uint64 = 0x7ff0000000000002

// Sample is one value of one series at one instant.
type Sample struct {
	Series Series
	At     int64 // Unix milliseconds, UTC
	Value  float64
}

// StaleMarker is the value that ends a series: from its instant on queries do not see it.
func StaleMarker() float64 { return math.Float64frombits(staleBits) }

// IsStale reports whether v is the StaleMarker, bit for bit; any other NaN is not.
func IsStale(v float64) bool { return math.Float64bits(v) == staleBits }

// Batch is what one sender delivers at once. It is recorded whole or not at all, unless it is Partial.
type Batch struct {
	Samples []Sample
	Origin  Origin
	Partial bool // record what can be, and tell of the rest by a PartialError
}

// PartialError tells that some samples of a Partial batch were refused. All others are recorded.
type PartialError struct {
	Recorded, Refused int
	First             error // why the first of them was refused; an Error
}

// Error says how many were refused, and why the first.
func (e *PartialError) Error() string {
	return fmt.Sprintf("%d of %d samples were refused, the first because: %v", e.Refused, e.Recorded+e.Refused, e.First)
}

// Unwrap returns First, whose kind is that of the whole.
func (e *PartialError) Unwrap() error { return e.First }

// Check returns nil, or an error of kind Invalid that names the first sample (counted from 1) that fails Sample.Check.
func (b Batch) Check(now time.Time) error {
	for i, s := range b.Samples {
		if err := s.Check(now); err != nil {
			return Errorf(Invalid, "sample %d: %w", i+1, err)
		}
	}
	return nil
}

// Check returns nil, or an error of kind Invalid when the sample has no series or CheckTime refuses its time.
// Every value passes: NaN and infinities are values to the protocols that can spell them.
func (s Sample) Check(now time.Time) error {
	if s.Series == (Series{}) {
		return Errorf(Invalid, "the series is missing")
	}
	if err := CheckTime(s.At, now); err != nil {
		return Errorf(Invalid, "%s: %w", s.Series, err)
	}
	return nil
}

// CheckTime returns nil, or an error of kind Invalid when the time, Unix milliseconds, lies outside the window around now.
// It knows a time in another unit by what the number would be in that.
func CheckTime(at int64, now time.Time) error {
	if inWindow(at, now) {
		return nil
	}
	for _, unit := range []struct {
		name string
		at   int64 // in milliseconds
	}{{"seconds", at * 1000}, {"microseconds", at / 1000}, {"nanoseconds", at / 1_000_000}} {
		if inWindow(unit.at, now) {
			return Errorf(Invalid, "the time is in Unix %s: write milliseconds, %d", unit.name, unit.at)
		}
	}
	if at < now.UnixMilli() {
		return Errorf(Invalid, "the time is more than 7 days ago")
	}
	return Errorf(Invalid, "the time is more than 10 minutes ahead")
}

func inWindow(at int64, now time.Time) bool {
	ms := now.UnixMilli()
	return at >= ms-MaxPast.Milliseconds() && at <= ms+MaxFuture.Milliseconds()
}
