package metrics

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestUnitText(t *testing.T) {
	tests := []struct {
		unit     Unit
		v        float64
		decimals int
		want     string
	}{
		{None, 0, -1, "0"},
		{None, 42, -1, "42"},
		{None, -42, -1, "−42"},
		{None, 9999, -1, "9999"},
		{None, 10000, -1, "10.0k"},
		{None, 42.5, -1, "42.5"},
		{None, 42, 1, "42.0"},
		{Short, 5, -1, "5.00"},
		{Short, 9.87, -1, "9.87"},
		{Short, 9.996, -1, "10.0"},
		{Short, 98.7, -1, "98.7"},
		{Short, 987, -1, "987"},
		{Short, 999.4, -1, "999"},
		{Short, 999.6, -1, "1.00k"},
		{Short, 1234, -1, "1.23k"},
		{Short, 48_213_345, -1, "48.2M"},
		{Short, 48_213_345, 0, "48M"},
		{Short, 999_999_999, -1, "1.00G"},
		{Short, 0.0421, -1, "0.0421"},
		{None, 1e-12, -1, "1.00e-12"},
		{Short, -1e-9, -1, "−1.00e-9"},
		{Short, 0.00001, -1, "0.000010"},
		{Short, 1e-9, 6, "0.000000"},
		{Short, -0.04, 1, "0.0"},
		{Short, math.Copysign(0, -1), -1, "0"},
		{None, 1e300, -1, "1.00e+300"},
		{None, -1e300, 0, "−1.00e+300"},
		{Short, 123_456e18, -1, "123456E"},
		{Short, 1.5e24, -1, "1.50e+24"},
		{Bytes, 1e30, -1, "1.00e+30 B"},
		{Percent, 1e300, -1, "1.00e+300%"},
		{Count, 999, -1, "999"},
		{Count, 1234, -1, "1,234"},
		{Count, -1234567, -1, "−1,234,567"},
		{Count, 1234.5, 1, "1,234.5"},
		{Count, 9_999_999, -1, "9,999,999"},
		{Count, 10_000_000, -1, "10.0M"},
		{Percent, 63.4, -1, "63%"},
		{Percent, 9.95, -1, "9.9%"},
		{Percent, 9.96, -1, "10%"},
		{Percent, 0.034, -1, "0.03%"},
		{Percent, 0, -1, "0%"},
		{Percent, 100, -1, "100%"},
		{Percent, 1234, -1, "1,234%"},
		{Percent, 1234567.5, 1, "1,234,567.5%"},
		{Percent, 0.001, -1, "0.00%"},
		{Ratio, -1234, -1, "−123,400%"},
		{Celsius, 1538, -1, "1,538.0 °C"},
		{Percent, 99.95, 2, "99.95%"},
		{Ratio, 0.634, -1, "63%"},
		{Ratio, 0.018, -1, "1.8%"},
		{Ratio, 1, -1, "100%"},
		{Ratio, -0.25, -1, "−25%"},
		{Bytes, 0, -1, "0 B"},
		{Bytes, 512, -1, "512 B"},
		{Bytes, 1023, -1, "1023 B"},
		{Bytes, 1023.7, -1, "1.00 KiB"},
		{Bytes, 1024, -1, "1.00 KiB"},
		{Bytes, 1023 << 10, -1, "1023 KiB"},
		{Bytes, 1.21 * (1 << 30), -1, "1.21 GiB"},
		{BytesSI, 1.21e9, -1, "1.21 GB"},
		{ByteRate, 98.7 * (1 << 20), -1, "98.7 MiB/s"},
		{SIRate, 1500, -1, "1.50 kB/s"},
		{BitRate, 1.21e6, -1, "1.21 Mbit/s"},
		{BitRate, 300, -1, "300 bit/s"},
		{Rate, 48_213, -1, "48.2k/s"},
		{Rate, 0.5, -1, "0.500/s"},
		{Seconds, 0, -1, "0 s"},
		{Seconds, 350e-6, -1, "350 µs"},
		{Seconds, 0.182, -1, "182 ms"},
		{Seconds, 1.2, -1, "1.20 s"},
		{Seconds, 59.94, -1, "59.9 s"},
		{Seconds, 59.96, -1, "1 min"},
		{Seconds, 69, -1, "1 min 09 s"},
		{Seconds, 3599.6, -1, "1 h"},
		{Seconds, 2*3600 + 5*60, -1, "2 h 05 min"},
		{Seconds, 86399, -1, "1 d"},
		{Seconds, 76 * 3600, -1, "3 d 4 h"},
		{Seconds, -76 * 3600, -1, "−3 d 4 h"},
		{Millis, 182, -1, "182 ms"},
		{Millis, 1200, -1, "1.20 s"},
		{Micros, 1500, -1, "1.50 ms"},
		{Celsius, 9.84, -1, "9.8 °C"},
		{Celsius, 105.25, 0, "105 °C"},
		{Celsius, -40, -1, "−40.0 °C"},
		{Hertz, 3.2e9, -1, "3.20 GHz"},
		{Watts, 1210, -1, "1.21 kW"},
		{Date, 1e300, -1, Dash},
		{Short, math.NaN(), -1, Dash},
		{Bytes, math.Inf(1), -1, Dash},
		{Unit("furlong"), 1234, -1, "1.23k"},
	}
	for _, tt := range tests {
		if got := tt.unit.Text(tt.v, tt.decimals); got != tt.want {
			t.Errorf("%q.Text(%v, %d) = %q, want %q", tt.unit, tt.v, tt.decimals, got, tt.want)
		}
	}
}

func TestUnitKeepsNumberAndSuffixApart(t *testing.T) {
	tests := []struct {
		unit           Unit
		v              float64
		number, suffix string
	}{
		{Short, 48213, "48.2k", ""},
		{Rate, 48213, "48.2k", "/s"},
		{Ratio, 0.63, "63", "%"},
		{Bytes, 1 << 30, "1.00", "GiB"},
		{Seconds, 0.182, "182", "ms"},
		{Seconds, 90, "1 min 30 s", ""},
	}
	for _, tt := range tests {
		number, suffix := tt.unit.Format(tt.v, -1)
		if number != tt.number || suffix != tt.suffix {
			t.Errorf("%q.Format(%v) = %q, %q, want %q, %q", tt.unit, tt.v, number, suffix, tt.number, tt.suffix)
		}
	}
}

func TestUnitWritesDatesInTheGivenZone(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	number, suffix := Date.FormatIn(1769864709, -1, zone)
	if number != "2026-01-31 14:05:09" || suffix != "CET" {
		t.Errorf("got %q %q, want 2026-01-31 14:05:09 CET", number, suffix)
	}
}

// A value that ticks inside one magnitude must not move what stands beside it.
func TestUnitKeepsItsWidthInsideAMagnitude(t *testing.T) {
	for u := range scales {
		for _, low := range []float64{1, 10, 100, 1e4, 1e5} {
			if u.scale().timed() && u.scale().factor*low >= 60e9 {
				continue // minutes: two units instead of digits
			}
			want := utf8.RuneCountInString(u.Text(low*1.1, -1))
			for f := 1.1; f < 9.5; f += 0.37 {
				if u.scale().timed() && u.scale().factor*low*f >= 59e9 {
					break
				}
				if got := u.Text(low*f, -1); u.scale().base == 1000 && utf8.RuneCountInString(got) != want {
					t.Errorf("%q: %v is written %q, %d characters, want %d", u, low*f, got, utf8.RuneCountInString(got), want)
				}
			}
		}
	}
}

func TestParseUnit(t *testing.T) {
	for name, want := range map[string]Unit{"": None, "none": None, "short": Short, "s": Seconds, "seconds": Seconds, "µs": Micros, "bytes/s": ByteRate, "date": Date} {
		if got, err := ParseUnit(name); got != want || err != nil {
			t.Errorf("ParseUnit(%q) = %q, %v, want %q", name, got, err, want)
		}
	}
	_, err := ParseUnit("parsec")
	if KindOf(err) != Invalid || !strings.Contains(err.Error(), "bytes, bytes-si, bytes-si/s, bytes/s, celsius") {
		t.Errorf("ParseUnit(parsec) = %v, want an error of kind Invalid that lists the units in order", err)
	}
}
