package data

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"liveboard/metrics"
)

// maxLineBytes bounds what a line takes to read.
const maxLineBytes = 16 << 20

// Times in files are between a day of 1973 and one of 2286. Seconds, microseconds and nanoseconds of our age are all outside: samples
// must not land half a century away, where retention removes them or nobody finds them.
const (
	leastFileTime = 100_000_000_000
	mostFileTime  = 10_000_000_000_000
)

// sampleReader reads a file of samples as a stream.
type sampleReader interface {
	// next returns the samples of the next line that has any, valid until it is called again, and the line's number. At the
	// end the error is io.EOF. Every other error belongs to that line.
	next() (line int, samples []metrics.Sample, err error)
}

func newSampleReader(r io.Reader, format SampleFormat) sampleReader {
	switch format {
	case CSV:
		c := csv.NewReader(r)
		c.ReuseRecord = true
		c.FieldsPerRecord = -1 // our own words are clearer
		return &csvSamples{csv: c}
	case JSONLines:
		return newLineSamples(r, jsonLine)
	default:
		return newLineSamples(r, textLine)
	}
}

type csvSamples struct {
	csv    *csv.Reader
	begun  bool
	name   string
	sample [1]metrics.Sample // its series is that of name
}

func (c *csvSamples) next() (line int, samples []metrics.Sample, err error) {
	fields, err := c.csv.Read()
	if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
		return wrong.Line, nil, wrong.Err
	}
	if err != nil {
		return 0, nil, err
	}
	line, _ = c.csv.FieldPos(0)
	if !c.begun {
		if !slices.Equal(fields, csvHeader) {
			return line, nil, fmt.Errorf("the file must begin with %s", strings.Join(csvHeader, ","))
		}
		c.begun = true
		return c.next()
	}
	return line, c.sample[:], c.read(fields)
}

func (c *csvSamples) read(fields []string) (err error) {
	if len(fields) != len(csvHeader) {
		return fmt.Errorf("want %s", strings.Join(csvHeader, ","))
	}
	s := &c.sample[0]
	if c.name != fields[0] {
		if s.Series, err = wholeSeries(fields[0]); err != nil {
			return err
		}
		c.name = strings.Clone(fields[0])
	}
	if s.At, err = parseMillis(fields[1]); err != nil {
		return err
	}
	s.Value, err = parseValue(fields[2])
	return err
}

func wholeSeries(text string) (metrics.Series, error) {
	s, rest, err := metrics.ParseSeries(text)
	if err == nil && rest != "" {
		err = fmt.Errorf("%q follows the series", rest)
	}
	return s, err
}

func parseMillis(text string) (int64, error) {
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time in Unix milliseconds", text)
	}
	return at, checkMillis(at)
}

func checkMillis(at int64) error {
	if at < leastFileTime {
		return fmt.Errorf("the time %d is before 1974: times are Unix milliseconds, not seconds", at)
	}
	if at > mostFileTime {
		return fmt.Errorf("the time %d is after 2286: times are Unix milliseconds, not microseconds or nanoseconds", at)
	}
	return nil
}

// lineSamples reads a file whose lines stand for themselves.
type lineSamples struct {
	lines   *bufio.Scanner
	number  int
	read    func(line []byte, samples []metrics.Sample) ([]metrics.Sample, error)
	samples []metrics.Sample
}

func newLineSamples(r io.Reader, read func([]byte, []metrics.Sample) ([]metrics.Sample, error)) *lineSamples {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLineBytes)
	return &lineSamples{lines: lines, read: read}
}

func (l *lineSamples) next() (line int, samples []metrics.Sample, err error) {
	for l.lines.Scan() {
		l.number++
		text := bytes.TrimSpace(l.lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if l.samples, err = l.read(text, l.samples[:0]); err != nil || len(l.samples) > 0 {
			return l.number, l.samples, err
		}
	}
	switch err := l.lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return l.number + 1, nil, fmt.Errorf("the line is longer than %d MiB", maxLineBytes>>20)
	case err != nil:
		return l.number + 1, nil, err
	}
	return l.number, nil, io.EOF
}

// textLine reads a line of Prometheus's text format, which must have a time.
func textLine(line []byte, samples []metrics.Sample) ([]metrics.Sample, error) {
	if line[0] == '#' {
		return samples, nil
	}
	series, rest, err := metrics.ParseSeries(string(line))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(rest)
	if len(fields) != 2 {
		return nil, errors.New("after the series come a value and a time, both, and nothing else")
	}
	s := metrics.Sample{Series: series}
	if s.Value, err = parseValue(fields[0]); err != nil {
		return nil, err
	}
	if s.At, err = parseMillis(fields[1]); err != nil {
		return nil, err
	}
	return append(samples, s), nil
}

// jsonLine reads an object with samples of one series.
func jsonLine(line []byte, samples []metrics.Sample) ([]metrics.Sample, error) {
	var in struct {
		Metric     map[string]string
		Values     []fileValue
		Timestamps []int64
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, plainJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON object")
	}
	if len(in.Values) != len(in.Timestamps) {
		return nil, fmt.Errorf("there are %d values and %d timestamps", len(in.Values), len(in.Timestamps))
	}
	var labels []metrics.Label
	for name, value := range in.Metric {
		if name != metrics.NameLabel {
			labels = append(labels, metrics.Label{Name: name, Value: value})
		}
	}
	series, err := metrics.NewSeries(in.Metric[metrics.NameLabel], labels...)
	if err != nil {
		return nil, err
	}
	for i, v := range in.Values {
		if err := checkMillis(in.Timestamps[i]); err != nil {
			return nil, err
		}
		samples = append(samples, metrics.Sample{Series: series, At: in.Timestamps[i], Value: float64(v)})
	}
	return samples, nil
}

// plainJSON says without the names of Go's types what is wrong with a line.
func plainJSON(err error) error {
	const form = `{"metric":{"__name__":"up"},"values":[1],"timestamps":[1763777777000]}`
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		if wrong.Field == "" {
			return fmt.Errorf("the line is JSON, but %s: each line is an object such as %s", article(wrong.Value), form)
		}
		return fmt.Errorf("%s has %s, which does not belong there: a line is an object such as %s", strings.ToLower(wrong.Field), article(wrong.Value), form)
	}
	if text, ok := strings.CutPrefix(err.Error(), "json: "); ok {
		return fmt.Errorf("%s: a line is an object such as %s", text, form)
	}
	return fmt.Errorf("the line is not JSON: %w", err)
}

func article(noun string) string {
	if strings.HasPrefix(noun, "a") {
		return "an " + noun
	}
	return "a " + noun
}

// fileValue is a number, or a text as appendValue writes it, or null for NaN.
type fileValue float64

// UnmarshalJSON reads what encoding/json has found to be valid JSON.
func (v *fileValue) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*v = fileValue(math.NaN())
		return nil
	}
	value, err := parseValue(strings.Trim(string(text), `"`))
	*v = fileValue(value)
	return err
}
