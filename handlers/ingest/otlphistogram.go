package ingest

import (
	"math"
	"strconv"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"

	"liveboard/metrics"
)

// histogram reads a HistogramDataPoint, as the series of a classic histogram.
func (o *otlp) histogram(m described, message []byte) error {
	var p metricspb.HistogramDataPoint
	if err := unmarshal(message, &p); err != nil {
		return err
	}
	bounds, counts := p.GetExplicitBounds(), p.GetBucketCounts()
	if len(counts) > 0 && len(counts) != len(bounds)+1 {
		return metrics.Errorf(metrics.Invalid, "a histogram has %d bounds and %d buckets, not one more", len(bounds), len(counts))
	}
	b, err := o.begin(m, &p)
	if err != nil {
		return err
	}
	below := uint64(0)
	for i, bound := range bounds {
		if len(counts) > 0 {
			below += counts[i]
		}
		b.bucket(bound, below)
	}
	b.total(p.GetCount(), p.Sum)
	return o.end(b)
}

// bucket adds how many observations are not above the bound.
func (b *pointSamples) bucket(bound float64, count uint64) {
	b.add("_bucket", float64(count), metrics.Label{Name: "le", Value: strconv.FormatFloat(bound, 'g', -1, 64)})
}

// total ends a histogram. Where an observation may be negative there is no sum.
func (b *pointSamples) total(count uint64, sum *float64) {
	b.bucket(math.Inf(1), count)
	if sum != nil || b.gone {
		var value float64
		if sum != nil {
			value = *sum
		}
		b.add("_sum", value)
	}
	b.add("_count", float64(count))
}

// maxExponentialBuckets bounds the series of a histogram.
const maxExponentialBuckets = 200

// exponential reads an ExponentialHistogramDataPoint, as a classic histogram whose bounds are powers of two, or of a higher
// base where its own is. Finer bounds would move with every change of its scale, and each would be a series of its own.
// https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
func (o *otlp) exponential(m described, message []byte) error {
	var p metricspb.ExponentialHistogramDataPoint
	if err := unmarshal(message, &p); err != nil {
		return err
	}
	b, err := o.begin(m, &p)
	if err != nil {
		return err
	}
	negative, positive := coarse(p.GetNegative(), p.GetScale()), coarse(p.GetPositive(), p.GetScale())
	if len(negative.counts)+len(positive.counts) > maxExponentialBuckets {
		return metrics.Errorf(metrics.Invalid, "an exponential histogram spans %d powers, at most %d are stored", len(negative.counts)+len(positive.counts), maxExponentialBuckets)
	}
	below := uint64(0)
	for i := len(negative.counts) - 1; i >= 0; i-- { // of (-base^(index+1), -base^index], nearly: bounds belong to the bucket above
		below += negative.counts[i]
		b.bucket(-negative.bound(i), below)
	}
	below += p.GetZeroCount()
	b.bucket(p.GetZeroThreshold(), below)
	for i, count := range positive.counts {
		below += count
		b.bucket(positive.bound(i+1), below)
	}
	b.total(p.GetCount(), p.Sum)
	return o.end(b)
}

// powers are the buckets of one sign: the i-th counts from base^(offset+i) to base^(offset+i+1), where base is 2^(2^-scale).
type powers struct {
	scale  int32 // 0 or less
	offset int
	counts []uint64
}

// bound returns the magnitude with which bucket i begins.
func (p powers) bound(i int) float64 {
	return math.Exp2(math.Ldexp(float64(p.offset+i), int(-p.scale)))
}

// coarse returns buckets with a scale of at most 0. It is exact: every bound of a coarser scale is one of a finer.
func coarse(buckets *metricspb.ExponentialHistogramDataPoint_Buckets, scale int32) powers {
	const finest = 20 // no finer scale is in use, and no index of an observed double has more bits
	shift := int(min(max(scale, 0), finest+11))
	p := powers{scale: max(min(scale, 0), -11), offset: int(buckets.GetOffset()) >> shift}
	for i, count := range buckets.GetBucketCounts() {
		at := (int(buckets.GetOffset())+i)>>shift - p.offset
		for len(p.counts) <= at {
			p.counts = append(p.counts, 0)
		}
		p.counts[at] += count
	}
	return p
}
