package ingest

import (
	"errors"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"liveboard/metrics"
)

// stat is what the values of one metric add up to.
type stat interface {
	// add takes a value in, in units of which there are scale in that of the metric.
	add(one stroke, scale float64, k *kept) error
	// flush appends what there is to tell now, in Unix milliseconds.
	flush(to []metrics.Sample, now int64) []metrics.Sample
	// end appends the markers that end what flush would go on to tell.
	end(to []metrics.Sample, now int64) []metrics.Sample
}

// statKind is a kind of stats.
type statKind struct {
	name  string
	scale float64
	make  func(head statsdHead, now int64) (stat, error)
}

// kinds are the kinds that lines name.
var kinds = map[string]statKind{
	"c":  {"counter", 1, newCounter},
	"m":  {"counter", 1, newCounter},
	"g":  {"gauge", 1, newGauge},
	"s":  {"set", 1, newSet},
	"h":  {"timer", 1, newTimer},
	"d":  {"timer", 1, newTimer},
	"ms": {"seconds", 1000, newSeconds},
}

// statsdNumber reads a finite number.
func statsdNumber(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, metrics.Errorf(metrics.Invalid, "%q is not a finite number", text)
	}
	return v, nil
}

// withSuffix gives a metric a suffix that its name may have already.
func (h statsdHead) withSuffix(suffix string) (metrics.Series, error) {
	return metrics.NewSeries(strings.TrimSuffix(h.name, suffix)+suffix, h.labels...)
}

// sum is a number that only grows. It begins with 0, so that its first growth shows.
type sum struct {
	series metrics.Series
	total  float64
	since  int64 // Unix milliseconds; 0 once that was told
}

func (s *sum) flush(to []metrics.Sample, now int64) []metrics.Sample {
	if s.since != 0 && s.since < now {
		to = append(to, metrics.Sample{Series: s.series, At: s.since})
	}
	s.since = 0
	return append(to, metrics.Sample{Series: s.series, At: now, Value: s.total})
}

func (s *sum) end(to []metrics.Sample, now int64) []metrics.Sample {
	return append(to, metrics.Sample{Series: s.series, At: now, Value: metrics.StaleMarker()})
}

// counter is name_total, which grows from when it was first heard of.
type counter struct{ sum }

func newCounter(head statsdHead, now int64) (stat, error) {
	series, err := head.withSuffix("_total")
	return &counter{sum{series: series, since: now}}, err
}

func (c *counter) add(one stroke, _ float64, _ *kept) error {
	v, err := statsdNumber(one.value)
	if err != nil {
		return err
	}
	if v < 0 {
		return errors.New("a counter does not go down: use a gauge")
	}
	c.total += v / one.rate
	return nil
}

// gauge is the value that was set last, told only when it was: an old one shall not look new.
type gauge struct {
	series metrics.Series
	value  float64
	set    bool // since the last flush
}

func newGauge(head statsdHead, _ int64) (stat, error) {
	series, err := metrics.NewSeries(head.name, head.labels...)
	return &gauge{series: series}, err
}

// add sets the value, or changes it by one with a sign.
func (g *gauge) add(one stroke, _ float64, _ *kept) error {
	v, err := statsdNumber(one.value)
	if err != nil {
		return err
	}
	if strings.HasPrefix(one.value, "+") || strings.HasPrefix(one.value, "-") {
		v += g.value
	}
	g.value, g.set = v, true
	return nil
}

func (g *gauge) flush(to []metrics.Sample, now int64) []metrics.Sample {
	if g.set {
		g.set = false
		to = append(to, metrics.Sample{Series: g.series, At: now, Value: g.value})
	}
	return to
}

func (g *gauge) end(to []metrics.Sample, _ int64) []metrics.Sample { return to }

// set is how many different members came since the last flush.
type set struct {
	series  metrics.Series
	members map[uint64]struct{} // their hashes
}

var setSeed = maphash.MakeSeed()

func newSet(head statsdHead, _ int64) (stat, error) {
	series, err := metrics.NewSeries(head.name, head.labels...)
	return &set{series: series, members: make(map[uint64]struct{})}, err
}

func (s *set) add(one stroke, _ float64, k *kept) error {
	member := maphash.String(setSeed, one.value)
	if _, known := s.members[member]; known {
		return nil
	}
	if !k.one() {
		return metrics.Errorf(metrics.TooMany, "sets and timers have more than %d values in one flush", maxKept)
	}
	s.members[member] = struct{}{}
	return nil
}

func (s *set) flush(to []metrics.Sample, now int64) []metrics.Sample {
	n := len(s.members)
	clear(s.members)
	return append(to, metrics.Sample{Series: s.series, At: now, Value: float64(n)})
}

func (s *set) end(to []metrics.Sample, now int64) []metrics.Sample {
	return append(to, metrics.Sample{Series: s.series, At: now, Value: metrics.StaleMarker()})
}

// maxTimerValues are those of a timer that its quantiles are taken from; of more, as many at random.
const maxTimerValues = 1024

// quantiles are those of the values since the last flush; the last is the largest.
var quantiles = []float64{0.5, 0.9, 0.99, 1}

// timer is what Prometheus calls a summary: name_count and name_sum, which grow, and name{quantile="…"} of the values
// since the last flush.
type timer struct {
	count, sum sum
	quantiles  []metrics.Series
	values     []float64
	seen       int // values since the last flush
}

// newSeconds returns a timer of milliseconds, which become seconds, the unit of Prometheus.
func newSeconds(head statsdHead, now int64) (stat, error) {
	head.name = strings.TrimSuffix(head.name, "_seconds") + "_seconds"
	return newTimer(head, now)
}

func newTimer(head statsdHead, now int64) (stat, error) {
	t := &timer{count: sum{since: now}, sum: sum{since: now}}
	var err, e error
	t.count.series, err = head.withSuffix("_count")
	if t.sum.series, e = head.withSuffix("_sum"); e != nil {
		err = e
	}
	for _, q := range quantiles {
		label := metrics.Label{Name: "quantile", Value: strconv.FormatFloat(q, 'g', -1, 64)}
		series, e := metrics.NewSeries(head.name, append(slices.Clone(head.labels), label)...)
		if e != nil {
			err = e
		}
		t.quantiles = append(t.quantiles, series)
	}
	return t, err
}

func (t *timer) add(one stroke, scale float64, k *kept) error {
	v, err := statsdNumber(one.value)
	if err != nil {
		return err
	}
	v /= scale
	t.count.total += 1 / one.rate
	t.sum.total += v / one.rate
	t.seen++
	switch {
	case len(t.values) < maxTimerValues && k.one():
		t.values = append(t.values, v)
	case len(t.values) > 0:
		if i := rand.IntN(t.seen); i < len(t.values) {
			t.values[i] = v
		}
	}
	return nil
}

func (t *timer) flush(to []metrics.Sample, now int64) []metrics.Sample {
	to = t.sum.flush(t.count.flush(to, now), now)
	if len(t.values) > 0 {
		slices.Sort(t.values)
		for i, q := range quantiles {
			rank := int(math.Ceil(q*float64(len(t.values)))) - 1
			to = append(to, metrics.Sample{Series: t.quantiles[i], At: now, Value: t.values[rank]})
		}
	}
	t.values, t.seen = nil, 0
	return to
}

func (t *timer) end(to []metrics.Sample, now int64) []metrics.Sample {
	return t.sum.end(t.count.end(to, now), now)
}
