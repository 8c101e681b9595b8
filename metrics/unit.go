package metrics

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Unit says what a number counts and so how it is written for people.
type Unit string

// The units. The comment shows how a value is written.
const (
	None     Unit = ""           // 42 as it is where it is whole and below 10,000, else as Short
	Short    Unit = "short"      // 9.87 98.7 987 1.23k 48.2M
	Count    Unit = "count"      // 1,234 whole things; as Short from 10,000,000 on
	Percent  Unit = "percent"    // 0 to 100: 63%, 1,234%
	Ratio    Unit = "ratio"      // 0 to 1: 63%
	Bytes    Unit = "bytes"      // 1.21 GiB, powers of 1024
	BytesSI  Unit = "bytes-si"   // 1.21 GB, powers of 1000
	ByteRate Unit = "bytes/s"    // 1.21 MiB/s
	SIRate   Unit = "bytes-si/s" // 1.21 MB/s
	BitRate  Unit = "bits/s"     // 1.21 Mbit/s
	Rate     Unit = "/s"         // 48.2k/s
	Seconds  Unit = "seconds"    // 350 µs, 182 ms, 1.20 s, 5 min 09 s, 3 d 4 h
	Millis   Unit = "ms"         // milliseconds, written as Seconds
	Micros   Unit = "us"         // microseconds, written as Seconds
	Celsius  Unit = "celsius"    // 41.5 °C
	Hertz    Unit = "hertz"      // 3.20 GHz
	Watts    Unit = "watts"      // 1.21 kW
	Date     Unit = "date"       // Unix seconds: 2026-01-31 14:05:09 CET
)

// Dash stands for a value that is no number.
const Dash = "–"

var (
	plain   = []string{""}
	letters = []string{"", "k", "M", "G", "T", "P", "E"}
	iec     = []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	si      = []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	times   = []string{"ns", "µs", "ms", "s"}
)

// scale is how a unit is written.
type scale struct {
	factor   float64  // of a value to a number without prefix
	base     float64  // of a prefix to the next
	prefixes []string // from the smallest
	glued    bool     // the prefix belongs to the number: 48.2k
	suffix   string   // after the prefix
	digits   int      // significant ones
	decimals int      // at most
	whole    bool     // no decimals without a prefix
}

var scales = map[Unit]scale{
	Short:    {1, 1000, letters, true, "", 3, 6, false},
	Count:    {1, 1000, letters, true, "", 3, 6, false},
	Percent:  {1, 1000, plain, false, "%", 2, 2, false},
	Ratio:    {100, 1000, plain, false, "%", 2, 2, false},
	Bytes:    {1, 1024, iec, false, "", 3, 2, true},
	BytesSI:  {1, 1000, si, false, "", 3, 2, true},
	ByteRate: {1, 1024, iec, false, "/s", 3, 2, true},
	SIRate:   {1, 1000, si, false, "/s", 3, 2, true},
	BitRate:  {1, 1000, letters, false, "bit/s", 3, 2, true},
	Rate:     {1, 1000, letters, true, "/s", 3, 3, false},
	Seconds:  {1e9, 1000, times, false, "", 3, 2, true},
	Millis:   {1e6, 1000, times, false, "", 3, 2, true},
	Micros:   {1e3, 1000, times, false, "", 3, 2, true},
	Celsius:  {1, 1000, plain, false, "°C", 15, 1, false},
	Hertz:    {1, 1000, letters, false, "Hz", 3, 2, false},
	Watts:    {1, 1000, letters, false, "W", 3, 2, false},
}

// aliases are other common spellings.
var aliases = map[string]Unit{"none": None, "s": Seconds, "µs": Micros}

// ParseUnit returns the unit of that name, as the constants spell it; none, s and µs are
// understood too. The error is of kind Invalid and lists every unit.
func ParseUnit(name string) (Unit, error) {
	if u, ok := aliases[name]; ok {
		return u, nil
	}
	u := Unit(name)
	if _, ok := scales[u]; ok || u == None || u == Date {
		return u, nil
	}
	return None, Errorf(Invalid, "there is no unit %q; the units are %s", name, strings.Join(unitNames(), ", "))
}

func unitNames() []string {
	names := []string{"none", string(Date)}
	for u := range scales {
		names = append(names, string(u))
	}
	slices.Sort(names)
	return names
}

// Format writes v for people: the number, and apart from it the suffix that may stand in
// smaller type. Text joins them. What is not finite is a Dash without suffix.
//
// The rule, for every unit but Date and times of a minute and more: divide by the unit's base
// (1000 or 1024) as long as the rounded number reaches it and a larger prefix exists; round to
// the unit's significant digits (3, percent 2), with no more decimals than the unit allows;
// never drop trailing zeros. So a ticking value keeps its width: 9.80, 9.81, 98.7, 987, 1.00k.
// Exactly zero is "0". What would still be a row of digits or zeros is written as 1.00e-12 or
// 1.00e+300, without prefix. Negative numbers have the minus sign U+2212; there is no minus zero.
//
// decimals is the number of digits after the point; -1 leaves it to the rule.
func (u Unit) Format(v float64, decimals int) (number, suffix string) {
	return u.FormatIn(v, decimals, time.Local)
}

// FormatIn is Format with the time zone in which a Date is written.
func (u Unit) FormatIn(v float64, decimals int, zone *time.Location) (number, suffix string) {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return Dash, ""
	case u == Date:
		return formatDate(v, zone)
	case u == None && decimals < 0 && v == math.Trunc(v) && math.Abs(v) < 10_000:
		return signed(v, digits(math.Abs(v), 0)), ""
	case u.inFull(v):
		return signed(v, grouped(digits(math.Abs(v), max(decimals, 0)))), ""
	}
	s := u.scale()
	if s.minutes(v) {
		return signed(v, duration(math.Abs(v)*s.factor/1e9)), ""
	}
	return s.format(v, decimals)
}

// Text is Format in one string: 63%, 48.2k/s, 1.21 GiB.
func (u Unit) Text(v float64, decimals int) string {
	return join(u.Format(v, decimals))
}

func join(number, suffix string) string {
	if suffix == "" || suffix == "%" || suffix == "/s" {
		return number + suffix
	}
	return number + " " + suffix
}

// inFull reports whether v is a count that is written with every digit.
func (u Unit) inFull(v float64) bool { return u == Count && math.Abs(v) < 10_000_000 }

// scale returns how u is written. An unknown unit is written as None.
func (u Unit) scale() scale {
	if s, ok := scales[u]; ok {
		return s
	}
	return scales[Short]
}

// minutes reports whether v is a time that is written in minutes, hours or days.
func (s scale) minutes(v float64) bool {
	return s.timed() && round(math.Abs(v)*s.factor, s.digits) >= 60e9
}

func (s scale) timed() bool { return s.prefixes[0] == times[0] }

func (s scale) format(v float64, decimals int) (number, suffix string) {
	size := math.Abs(v) * s.factor
	x, i := s.shrink(size)
	if i > 0 && x >= huge || decimals < 0 && s.decimals == maxDecimals && tiny(x) {
		return s.prefixed(signed(v, exponent(size)), 0)
	}
	if decimals < 0 {
		decimals = s.automatic(x, i)
	}
	text := digits(x, decimals)
	if len(s.prefixes) == 1 {
		text = grouped(text)
	}
	return s.prefixed(signed(v, text), i)
}

// Numbers that neither the largest prefix nor all decimals bring to a readable length have an exponent.
const (
	huge        = 1e6
	maxDecimals = 6
)

func tiny(x float64) bool { return x != 0 && x < 1e-5 }

// exponent writes x as 1.00e-12, the exponent without zeros before it.
func exponent(x float64) string {
	text := strconv.FormatFloat(x, 'e', 2, 64)
	return strings.NewReplacer("e-0", "e-", "e+0", "e+").Replace(text)
}

// prefixed puts the prefix i where it belongs: to the number or to the suffix.
func (s scale) prefixed(number string, i int) (string, string) {
	if s.glued {
		return number + s.prefixes[i], s.suffix
	}
	return number, s.prefixes[i] + s.suffix
}

// shrink divides x until it is below the base, and returns how often that was. No time is 0 s, not 0 ns.
func (s scale) shrink(x float64) (float64, int) {
	if x == 0 && s.timed() {
		return 0, len(s.prefixes) - 1
	}
	i := 0
	for i < len(s.prefixes)-1 && s.rounded(x, i) >= s.base {
		x /= s.base
		i++
	}
	return x, i
}

// rounded is x as it would be shown, so that 999.9k becomes 1.00M and not 1000k.
func (s scale) rounded(x float64, i int) float64 {
	unit := math.Pow10(s.automatic(x, i))
	return math.Round(x*unit) / unit
}

// automatic is the number of decimals that show the significant digits of x.
func (s scale) automatic(x float64, i int) int {
	if x == 0 || (s.whole && i == 0) {
		return 0
	}
	magnitude := int(math.Floor(math.Log10(round(x, s.digits))))
	return min(max(s.digits-1-magnitude, 0), s.decimals)
}

// round returns x with that many significant digits.
func round(x float64, digits int) float64 {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'e', digits-1, 64), 64)
	return x
}

// digits writes x in full, or with an exponent where that would be an endless row of zeros.
func digits(x float64, decimals int) string {
	if x >= 1e15 {
		return exponent(x)
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// signed puts v's sign before the text of its absolute value, unless that text is a zero.
func signed(v float64, text string) string {
	if v < 0 && strings.ContainsAny(text, "123456789") {
		return "−" + text
	}
	return text
}

// grouped puts a comma after each thousand of a number without exponent.
func grouped(text string) string {
	if strings.Contains(text, "e") {
		return text
	}
	point := strings.IndexByte(text+".", '.')
	for i := point - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// spans are the units of long times, in seconds. Minutes and seconds keep two digits after a
// larger unit, as on a clock.
var spans = []struct {
	name    string
	seconds float64
	clock   bool
}{{"d", 86400, false}, {"h", 3600, false}, {"min", 60, true}, {"s", 1, true}}

// duration writes a minute or more as its two largest units: 3 d 4 h. The second is left out
// where it is zero.
func duration(seconds float64) string {
	i := 0
	for seconds < spans[i].seconds-0.5*spans[i+1].seconds {
		i++
	}
	large, small := spans[i], spans[i+1]
	parts := math.Round(seconds / small.seconds)
	each := large.seconds / small.seconds
	text := digits(math.Floor(parts/each), 0) + " " + large.name
	rest := int(math.Mod(parts, each))
	switch {
	case rest == 0:
		return text
	case small.clock && rest < 10:
		return text + " 0" + strconv.Itoa(rest) + " " + small.name
	}
	return text + " " + strconv.Itoa(rest) + " " + small.name
}

// year9999 is the last second that a date can be written for.
const year9999 = 253402300799

func formatDate(seconds float64, zone *time.Location) (number, suffix string) {
	if math.Abs(seconds) > year9999 {
		return Dash, ""
	}
	at := time.UnixMilli(int64(math.Round(seconds * 1000))).In(zone)
	return at.Format("2006-01-02 15:04:05"), at.Format("MST")
}
