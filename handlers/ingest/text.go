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
func readText(body []byte, now time.Time, _ *seriesCache) (metrics.Batch, error) {
	var batch metrics.Batch
	number := 0
	for line := range bytes.Lines(body) {
		number++
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		s, err := textSample(text, now)
		if err == nil {
			err = s.Check(now)
		}
		if err != nil {
			return metrics.Batch{}, metrics.Errorf(metrics.Invalid, "line %d: %w", number, err)
		}
		if len(batch.Samples) == metrics.MaxBatchSamples {
			return metrics.Batch{}, errManySamples
		}
		batch.Samples = append(batch.Samples, s)
	}
	return batch, nil
}

func textSample(text string, now time.Time) (metrics.Sample, error) {
	series, rest, err := metrics.ParseSeries(text)
	if err != nil {
		return metrics.Sample{}, err
	}
	s := metrics.Sample{Series: series, At: now.UnixMilli()}
	return s, textNumbers(strings.Fields(rest), &s)
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
