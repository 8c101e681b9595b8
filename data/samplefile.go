package data

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"liveboard/metrics"
)

// SampleFormat is a format of files of samples.
type SampleFormat string

// The formats. All of them are read and written as a stream.
const (
	// CSV has the header series,time,value, series as in FormatText and the time in Unix milliseconds (RFC 4180).
	CSV SampleFormat = "csv"
	// JSONLines has an object a line with samples of one series, as VictoriaMetrics exports them:
	// {"metric":{"__name__":"up"},"values":[1],"timestamps":[1763777777000]}.
	JSONLines SampleFormat = "json"
	// PrometheusText has a sample a line: name{label="value"} value time. It is read only.
	PrometheusText SampleFormat = "prometheus"
)

var csvHeader = []string{"series", "time", "value"}

// staleText is how files spell the marker that ends a series. Other NaN have their bits behind them, unless they are the usual one.
const (
	staleText = "stale"
	nanText   = "NaN"
)

// appendValue appends a value so that parseValue reads the same bits.
func appendValue(text []byte, v float64) []byte {
	switch bits := math.Float64bits(v); {
	case metrics.IsStale(v):
		return append(text, staleText...)
	case v != v && bits != math.Float64bits(math.NaN()):
		return fmt.Appendf(text, nanText+":%016x", bits)
	}
	return strconv.AppendFloat(text, v, 'g', -1, 64)
}

func parseValue(text string) (float64, error) {
	if text == staleText {
		return metrics.StaleMarker(), nil
	}
	if hex, ok := strings.CutPrefix(text, nanText+":"); ok {
		bits, err := strconv.ParseUint(hex, 16, 64)
		if v := math.Float64frombits(bits); err == nil && v != v {
			return v, nil
		}
		return 0, fmt.Errorf("%q is no NaN", text)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number that fits 64 bits", text)
	}
	return v, nil
}

// SampleWriter writes samples in one of the formats.
type SampleWriter struct {
	format SampleFormat
	out    *bufio.Writer
	line   []byte
}

// NewSampleWriter returns a SampleWriter in CSV or JSONLines. Flush writes what it still has.
func NewSampleWriter(w io.Writer, format SampleFormat) *SampleWriter {
	s := &SampleWriter{format: format, out: bufio.NewWriterSize(w, 64<<10)}
	if format == CSV {
		_, _ = s.out.WriteString(strings.Join(csvHeader, ",") + "\n") // an error stays for Flush
	}
	return s
}

// maxLinePoints bounds a line of JSON, so that who reads it need not have room for a series.
const maxLinePoints = 1000

// Write writes samples of one series, which are in order of time.
func (w *SampleWriter) Write(s metrics.Series, points []metrics.Point) error {
	if w.format == CSV {
		return w.csv(s, points)
	}
	for some := range slices.Chunk(points, maxLinePoints) {
		if err := w.json(s, some); err != nil {
			return err
		}
	}
	return nil
}

// Flush writes what Write has left over.
func (w *SampleWriter) Flush() error { return w.out.Flush() }

func (w *SampleWriter) csv(s metrics.Series, points []metrics.Point) error {
	name := string(metrics.AppendSeries(nil, s))
	if strings.ContainsAny(name, `",`) {
		name = `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	}
	for _, p := range points {
		w.line = append(append(w.line[:0], name...), ',')
		w.line = append(strconv.AppendInt(w.line, p.At, 10), ',')
		w.line = append(appendValue(w.line, p.Value), '\n')
		if _, err := w.out.Write(w.line); err != nil {
			return err
		}
	}
	return nil
}

func (w *SampleWriter) json(s metrics.Series, points []metrics.Point) error {
	metric := make(map[string]string)
	for _, l := range s.Labels() {
		metric[l.Name] = l.Value
	}
	name, err := json.Marshal(metric)
	if err != nil {
		return err
	}
	line := append(append(w.line[:0], `{"metric":`...), name...)
	line = append(line, `,"values":[`...)
	for i, p := range points {
		line = appendComma(line, i)
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			line = append(appendValue(append(line, '"'), p.Value), '"')
			continue
		}
		line = appendValue(line, p.Value)
	}
	line = append(line, `],"timestamps":[`...)
	for i, p := range points {
		line = strconv.AppendInt(appendComma(line, i), p.At, 10)
	}
	w.line = append(line, "]}\n"...)
	_, err = w.out.Write(w.line)
	return err
}

func appendComma(line []byte, i int) []byte {
	if i == 0 {
		return line
	}
	return append(line, ',')
}
