package metrics

import (
	"math"
	"slices"
)

// maxTicks bounds what a caller may ask for: more than fit beside each other on any screen.
const maxTicks = 100

// Ticks returns the round values from low to high, ascending, at most about+1 of them and
// usually close to it. The step between two is what people count in: 1, 2 or 5 times a power of
// ten; for Bytes and ByteRate a power of two; for times a clock's step (1, 2, 5, 10, 15, 30 s,
// 1 min, … 12 h, 1 d). Count has no fractions. There are no ticks where low or high is not
// finite or high is below low, and one where they are equal.
func (u Unit) Ticks(low, high float64, about int) []float64 {
	span := high - low
	if math.IsNaN(span) || math.IsInf(span, 0) || span < 0 {
		return nil
	}
	if span == 0 {
		return []float64{low}
	}
	intervals := min(max(about, 1), maxTicks)
	factor := u.scale().factor
	step := u.step(span*factor/float64(intervals)) / factor
	var ticks []float64
	first := math.Ceil(low/step-1e-9) + 0 // + 0 turns a minus zero into zero
	for k := first; len(ticks) <= maxTicks && k <= high/step+1e-9; k++ {
		ticks = append(ticks, multiple(k, step))
	}
	return slices.Compact(ticks) // a step below the float's precision yields a value twice
}

// step returns the smallest round step of at least size.
func (u Unit) step(size float64) float64 {
	s := u.scale()
	switch {
	case s.timed():
		return clockStep(size/1e9) * 1e9
	case s.base == 1024:
		return math.Exp2(math.Max(0, math.Ceil(math.Log2(size)-1e-9)))
	case u == Date:
		return clockStep(size)
	case u == Count:
		return math.Max(1, decimalStep(size))
	}
	return decimalStep(size)
}

func decimalStep(size float64) float64 {
	e := int(math.Floor(math.Log10(size)))
	for _, m := range []float64{1, 2, 5} {
		if step := m * math.Pow10(e); step >= size*(1-1e-9) {
			return step
		}
	}
	return math.Pow10(e + 1)
}

// clockSteps are the round times between a second and a day, in seconds.
var clockSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400}

func clockStep(seconds float64) float64 {
	if seconds <= 0.5 {
		return decimalStep(seconds)
	}
	i, _ := slices.BinarySearch(clockSteps, seconds*(1-1e-9))
	if i < len(clockSteps) {
		return clockSteps[i]
	}
	const day = 86400
	return decimalStep(seconds/day) * day
}

// multiple returns k*step, exact for decimal steps below one.
func multiple(k, step float64) float64 {
	if per := math.Round(1 / step); step < 1 && math.Abs(per*step-1) < 1e-9 {
		return k / per
	}
	return k * step
}

// labelDecimals is the most that an axis label has after the point.
const labelDecimals = 6

// Labels writes ticks for an axis: all with the prefix of the largest and with the fewest
// decimals that tell each of them exactly, at most 6, or with exponents. Zero is a plain 0 in the unit. Times
// that reach a minute are written as Format does, as long as that keeps them apart.
func (u Unit) Labels(ticks []float64) []string {
	s := u.scale()
	largest := 0.0
	for _, t := range ticks {
		largest = math.Max(largest, math.Abs(t))
	}
	if u == Date || u.inFull(largest) || s.minutes(largest) {
		if labels := u.texts(ticks); distinct(labels) {
			return labels
		}
	}
	x, prefix := s.shrink(largest * s.factor)
	if tiny(x) || x >= huge && prefix > 0 {
		return s.exponents(ticks)
	}
	factor := s.factor / math.Pow(s.base, float64(prefix))
	decimals := exactDecimals(ticks, factor)
	labels := make([]string, len(ticks))
	for i, t := range ticks {
		if t == 0 {
			labels[i] = u.Text(0, 0)
			continue
		}
		text := digits(math.Abs(t)*factor, decimals)
		if len(s.prefixes) == 1 {
			text = grouped(text)
		}
		labels[i] = join(s.prefixed(signed(t, text), prefix))
	}
	return labels
}

// exponents writes the ticks of a scale that digits alone cannot tell.
func (s scale) exponents(ticks []float64) []string {
	labels := make([]string, len(ticks))
	for i, t := range ticks {
		text := "0"
		if t != 0 {
			text = signed(t, exponent(math.Abs(t)*s.factor))
		}
		labels[i] = join(s.prefixed(text, 0))
	}
	return labels
}

func (u Unit) texts(ticks []float64) []string {
	texts := make([]string, len(ticks))
	for i, t := range ticks {
		texts[i] = u.Text(t, 0)
	}
	return texts
}

func distinct(labels []string) bool {
	return len(slices.Compact(slices.Clone(labels))) == len(labels)
}

// exactDecimals is the smallest number of decimals that tells every tick times factor exactly.
func exactDecimals(ticks []float64, factor float64) int {
	d := 0
	for _, t := range ticks {
		for d < labelDecimals && !whole(t*factor*math.Pow10(d)) {
			d++
		}
	}
	return d
}

// whole reports whether x is an integer, give or take what a division loses.
func whole(x float64) bool {
	return math.Abs(x-math.Round(x)) <= 1e-9*math.Max(1, math.Abs(x))
}
