package ingest

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"liveboard/metrics"
)

func init() { forms["text/plain"] = form{"text", readText} }

// readText reads a sample a line: name{label="value",…} value [Unix milliseconds]. Empty lines
// and lines that begin with # are passed over. It is the sample line of Prometheus's text format:
// https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
func readText(body []byte, now time.Time, known *seriesCache) (metrics.Batch, error) {
	var batch metrics.Batch
	last := new(spelt)
	number := 0
	for line := range bytes.Lines(body) {
		number++
		text := bytes.TrimSpace(line)
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		s, spelt, err := textSample(text, now, known, last)
		if err == nil {
			err = s.Check(now)
		}
		if err != nil {
			return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "line %d: %w", number, err)
		}
		if len(batch.Samples) == metrics.MaxBatchSamples {
			return metrics.Batch{}, errManySamples
		}
		batch.Samples, last = append(batch.Samples, s), spelt
	}
	return batch, nil
}

// textSample reads a line, which follows one with the series last.
func textSample(text []byte, now time.Time, known *seriesCache, last *spelt) (s metrics.Sample, of *spelt, err error) {
	series, rest := splitSeries(text)
	of, err = known.after(last, series, spellText)
	if err != nil { // what follows may be a part of what is wrong
		_, _, err = metrics.ParseSeries(string(text))
		return s, nil, err
	}
	s = metrics.Sample{Series: of.series, At: now.UnixMilli()}
	return s, of, textNumbers(strings.Fields(string(rest)), &s)
}

// splitSeries returns the series that a line begins with, and what follows it. A series that does not end is all of the line.
func splitSeries(line []byte) (series, rest []byte) {
	end := bytes.IndexAny(line, "{ \t")
	if end < 0 {
		return line, nil
	}
	if after := bytes.TrimLeft(line[end:], " \t"); !bytes.HasPrefix(after, []byte("{")) {
		return line[:end], after
	}
	quoted := false
	for ; end < len(line) && (quoted || line[end] != '}'); end++ {
		switch {
		case line[end] == '"':
			quoted = !quoted
		case line[end] == '\\' && quoted:
			end++
		}
	}
	end = min(end+1, len(line))
	return line[:end], line[end:]
}

// spellText reads the series that is all of text.
func spellText(text []byte) (metrics.Series, error) {
	series, _, err := metrics.ParseSeries(string(text))
	return series, err
}

// textNumbers reads the value and the time, which may be missing.
func textNumbers(fields []string, s *metrics.Sample) error {
	if len(fields) < 1 {
		return errors.New(`want name{label="value"} value`)
	}
	if len(fields) > 2 {
		return errors.New("after the name come a value and perhaps a time, nothing else")
	}
	var err error
	if s.Value, err = strconv.ParseFloat(fields[0], 64); err != nil {
		return metrics.Errorf(metrics.Invalid, "%q is not a number that fits 64 bits", fields[0])
	}
	if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
		return metrics.Errorf(metrics.Invalid, "the value must be a finite number, not %s", fields[0])
	}
	if len(fields) == 2 {
		if s.At, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
			return metrics.Errorf(metrics.Invalid, "%q is not a time in Unix milliseconds", fields[1])
		}
	}
	return nil
}
