package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// A column of whole numbers is
//
//	a byte: the order (0 to 3)
//	varint: the base
//	varint: the drift, of orders 1 and 3
//	uvarint: the divisor
//	a byte: how many planes the rest has, 0 where it is all zeros
//	the rest, zigzag-encoded: the lowest bytes of all numbers, then the next ones, as many planes as the largest number needs. Each
//	plane is a uvarint, twice its length and 1 more for a zstd frame, and then its bytes. Like stands beside like so
//
// A number is divisor*rest more than what is expected: the base with order 0; the number before and the drift with order 1, as
// of counters; what goes on as the last two with order 2; and with order 3 what lies on the straight line from the
// base to the base and the drift at the end, as of times. The first number of orders 1 and 2 is the base. Measurements
// are round in some unit (pages of memory, hundredths of seconds), and the divisor is that unit.

// A column of values is a byte and then
//
//	0:           the eight planes of bytes of each value's IEEE 754 bits, XORed with those of the one before, packed as a plane of a column is
//	1 + decimals: a column of whole numbers, the values times 10^decimals
//	the same + 16: before that, the few values that are not so written (stale markers, NaN, -0): their number, their
//	               positions as a column, and themselves as under 0. In their place the whole number before them is repeated
const (
	maxScale = 9
	oddFlag  = 16
)

var errShort = errors.New("it ends early")

var (
	zstdWriter = must1(zstd.NewWriter(nil, zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithSingleSegment(true), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true)))
	zstdReader = must1(zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(8*maxBlockLen)))
)

// must1 is for options that are constants.
func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func zigzag(v int64) uint64   { return uint64(v<<1) ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

// guess is by what a column's numbers are expected.
type guess struct {
	order                int
	base, drift, divisor int64
}

// expect returns the number at i of n that is expected after last and the one before that.
func (m *guess) expect(i, n int, last, before int64) int64 {
	switch {
	case m.order == 3 && n > 1:
		return m.base + m.drift*int64(i)/int64(n-1)
	case m.order == 0 || m.order == 3 || i == 0:
		return m.base
	case m.order == 2 && i > 1:
		return last + last - before
	}
	return last + m.drift
}

// appendInts appends the column of ints.
func appendInts(dst []byte, ints []int64) []byte {
	if len(ints) == 0 {
		return dst
	}
	m := guessOf(ints)
	rest, all := make([]uint64, len(ints)), uint64(0)
	var last, before int64
	for i, v := range ints {
		rest[i] = zigzag((v - m.expect(i, len(ints), last, before)) / m.divisor)
		last, before = v, last
		all |= rest[i]
	}
	dst = append(dst, byte(m.order))
	dst = binary.AppendVarint(dst, m.base)
	if m.order%2 == 1 {
		dst = binary.AppendVarint(dst, m.drift)
	}
	dst = binary.AppendUvarint(dst, uint64(m.divisor))
	return appendRest(dst, rest, (bits.Len64(all)+7)/8)
}

func appendRest(dst []byte, rest []uint64, planes int) []byte {
	dst = append(dst, byte(planes))
	plane := make([]byte, len(rest))
	for p := range planes {
		for i, r := range rest {
			plane[i] = byte(r >> (8 * p))
		}
		dst = appendPacked(dst, plane)
	}
	return dst
}

// appendPacked appends plain with its length, as a zstd frame where that is shorter.
func appendPacked(dst, plain []byte) []byte {
	if len(plain) > 16 {
		if frame := zstdWriter.EncodeAll(plain, nil); len(frame) < len(plain) {
			return append(binary.AppendUvarint(dst, uint64(len(frame))<<1|1), frame...)
		}
	}
	return append(binary.AppendUvarint(dst, uint64(len(plain))<<1), plain...)
}

// guessOf returns the guess by which ints are smallest.
func guessOf(ints []int64) guess {
	n, low, unit := len(ints), ints[0], uint64(0)
	for i, v := range ints[1:] {
		low = min(low, v)
		unit = gcd(unit, magnitude(v-ints[i]))
	}
	divisor := max(1, int64(unit))
	ahead := ints[n-1] - ints[0]
	drift := ahead / int64(max(1, n-1)) / divisor * divisor
	guesses := []guess{{0, low, 0, divisor}, {1, ints[0], drift, divisor}, {2, ints[0], 0, divisor}, {3, ints[0], ahead, 1}}
	if magnitude(ahead) > math.MaxInt64/uint64(n) {
		guesses = guesses[:3]
	}
	best, least := 0, math.MaxInt
	for k := range guesses {
		cost := 0
		var last, before int64
		for i, v := range ints {
			cost += bits.Len64(zigzag((v - guesses[k].expect(i, n, last, before)) / guesses[k].divisor))
			last, before = v, last
		}
		if cost < least {
			best, least = k, cost
		}
	}
	return guesses[best]
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return uint64(-v)
	}
	return uint64(v)
}

func gcd(a, b uint64) uint64 {
	if a == 1 {
		return 1
	}
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// columns reads the columns of a block.
type columns struct {
	rest  []byte
	plain []byte // to unpack into
	err   error
}

func (c *columns) fail(err error) {
	if c.err == nil {
		c.err, c.rest = err, nil
	}
}

func (c *columns) byte() byte {
	if len(c.rest) == 0 {
		c.fail(errShort)
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

func (c *columns) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.fail(errShort)
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// unpack returns what a zstd frame holds, valid until the next call.
func (c *columns) unpack(frame []byte) []byte {
	plain, err := zstdReader.DecodeAll(frame, c.plain[:0])
	if err != nil {
		c.fail(fmt.Errorf("unpack: %w", err))
		return nil
	}
	c.plain = plain
	return plain
}

// ints fills to with a column of as many numbers.
func (c *columns) ints(to []int64) {
	if len(to) == 0 {
		return
	}
	m := guess{order: int(c.byte()), base: unzigzag(c.uvarint())}
	if m.order%2 == 1 {
		m.drift = unzigzag(c.uvarint())
	}
	m.divisor = int64(c.uvarint())
	if m.order > 3 {
		c.fail(fmt.Errorf("order %d is unknown", m.order))
	}
	c.planes(to)
	if c.err != nil {
		return
	}
	var last, before int64
	for i, r := range to {
		v := m.expect(i, len(to), last, before) + unzigzag(uint64(r))*m.divisor
		to[i], last, before = v, v, last
	}
}

// planes fills to with what the planes of a column hold.
func (c *columns) planes(to []int64) {
	clear(to)
	planes := int(c.byte())
	if planes > 8 {
		c.fail(fmt.Errorf("a number has no %d bytes", planes))
	}
	for p := range planes {
		plane := c.packed(len(to))
		if c.err != nil {
			return
		}
		for i, b := range plane {
			to[i] |= int64(b) << (8 * p)
		}
	}
}

// packed returns the n bytes that appendPacked was given, valid until the next call.
func (c *columns) packed(n int) []byte {
	length := c.uvarint()
	packed := length&1 != 0
	if length >>= 1; length > uint64(len(c.rest)) {
		c.fail(errShort)
		return nil
	}
	plain := c.rest[:length]
	c.rest = c.rest[length:]
	if packed {
		plain = c.unpack(plain)
	}
	if len(plain) != n {
		c.fail(errShort)
		return nil
	}
	return plain
}

// appendValues appends the column of values.
func appendValues(dst []byte, values []float64) []byte {
	if len(values) == 0 {
		return dst
	}
	decimals, odd, ok := decimalsOf(values)
	switch {
	case !ok:
		return appendFloats(append(dst, 0), values)
	case len(odd) == 0:
		return appendInts(append(dst, byte(1+decimals)), scaled(values, decimals, nil))
	}
	dst = binary.AppendUvarint(append(dst, byte(1+decimals)|oddFlag), uint64(len(odd)))
	strange := make([]float64, len(odd))
	for i, at := range odd {
		strange[i] = values[at]
	}
	dst = appendFloats(appendInts(dst, odd), strange)
	return appendInts(dst, scaled(values, decimals, odd))
}

func appendFloats(dst []byte, values []float64) []byte {
	n := len(values)
	planes, last := make([]byte, 8*n), uint64(0)
	for i, v := range values {
		bits := math.Float64bits(v)
		changed := bits ^ last
		last = bits
		for p := range 8 {
			planes[p*n+i] = byte(changed >> (56 - 8*p))
		}
	}
	return appendPacked(dst, planes)
}

func (c *columns) floats(to []float64) {
	n := len(to)
	planes := c.packed(8 * n)
	if c.err != nil {
		return
	}
	last := uint64(0)
	for i := range to {
		var changed uint64
		for p := range 8 {
			changed = changed<<8 | uint64(planes[p*n+i])
		}
		last ^= changed
		to[i] = math.Float64frombits(last)
	}
}

// values fills to with a column of as many values. ints is as long, to work in.
func (c *columns) values(to []float64, ints []int64) {
	if len(to) == 0 {
		return
	}
	kind := c.byte()
	if kind == 0 {
		c.floats(to)
		return
	}
	var odd []int64
	var strange []float64
	if kind&oddFlag != 0 {
		odd, strange = c.odd(len(to))
	}
	decimals := kind&^oddFlag - 1
	if decimals > maxScale {
		c.fail(fmt.Errorf("a value of %d decimals is unknown", decimals))
		return
	}
	c.ints(ints)
	scale := powers[decimals]
	for i, v := range ints {
		to[i] = float64(v) / scale
	}
	for i, at := range odd {
		to[at] = strange[i]
	}
}

// odd reads the positions, below n, and the values that are not decimal.
func (c *columns) odd(n int) (positions []int64, values []float64) {
	count := c.uvarint()
	if count > uint64(n) {
		c.fail(errShort)
		return nil, nil
	}
	positions, values = make([]int64, count), make([]float64, count)
	c.ints(positions)
	c.floats(values)
	for _, at := range positions {
		if at < 0 || at >= int64(n) {
			c.fail(fmt.Errorf("there is no value %d of %d", at, n))
		}
	}
	if c.err != nil {
		return nil, nil
	}
	return positions, values
}

var powers = [maxScale + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// decimalsOf returns with how many decimals all values but the odd ones are written exactly; it is not ok where too
// many are odd. The quotient of two whole numbers below 2^53 is the float nearest to it, so what is
// scaled by it comes back bit for bit.
func decimalsOf(values []float64) (decimals int, odd []int64, ok bool) {
	const oddShare = 16
	most := len(values) / oddShare
	hopeless := 0
	for _, v := range values {
		d := decimals
		for d <= maxScale && !decimal(v, d) {
			d++
		}
		if d <= maxScale {
			decimals = d
		} else if hopeless++; hopeless > most {
			return 0, nil, false
		}
	}
	for i, v := range values { // an early value may be too large for the decimals of a later one
		if decimal(v, decimals) {
			continue
		}
		if odd = append(odd, int64(i)); len(odd) > most {
			return 0, nil, false
		}
	}
	return decimals, odd, true
}

const exact = 1 << 53 // up to which floats hold every whole number

func decimal(v float64, decimals int) bool {
	scale := powers[decimals]
	n := math.RoundToEven(v * scale)
	return n > -exact && n < exact && n/scale == v && (v != 0 || !math.Signbit(v))
}

// scaled returns values times 10^decimals, the number before in the place of each odd one.
func scaled(values []float64, decimals int, odd []int64) []int64 {
	ints, scale := make([]int64, len(values)), powers[decimals]
	last := int64(0)
	for i, v := range values {
		if len(odd) > 0 && odd[0] == int64(i) {
			odd = odd[1:]
		} else {
			last = int64(math.RoundToEven(v * scale))
		}
		ints[i] = last
	}
	return ints
}
