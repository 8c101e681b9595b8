package data

import (
	"path/filepath"
	"testing"
	"time"

	"liveboard/metrics"
)

// spaced gives s a sample every step from from on, before to; the value is the instant.
func spaced(s metrics.Series, from, to, step time.Duration) (samples []metrics.Sample) {
	for at := millis(from); at < millis(to); at += millis(step) {
		samples = append(samples, metrics.Sample{Series: s, At: at, Value: float64(at)})
	}
	return samples
}

// A block begins with its span, which is before its first sample: whoever looks for the newest one at a time needs the block before.
func TestTrimKeepsTheSampleBeforeABlockThatBeginsLate(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	up, end := newSeries(t, "up"), tierSpans[0]
	record(t, s, spaced(up, time.Second, 2*time.Hour-time.Minute, time.Second))
	record(t, s, spaced(up, 2*time.Hour+time.Minute, 12*time.Hour, time.Second))
	seal(t, s)
	rollup(t, s, millis(24*time.Hour))
	found, err := s.head.Select(t.Context(), 1, end+120_000, named("up"))
	must(t, err)
	found[0].Trim(end + 30_000)
	it := found[0].Iterator(nil)
	it.Next()
	if at := it.AtT(); at > end {
		t.Errorf("the first sample is %d ms after the end of the first block, want one before", at-end)
	}
}
