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
func readText(body []byte, now time.Time) (metrics.Batch, error) {
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
		batch.Samples = append(batch.Samples, s)
	}
	return batch, nil
}

func textSample(text string, now time.Time) (metrics.Sample, error) {
	end := strings.IndexAny(text, "{ \t")
	if end < 0 {
		return metrics.Sample{}, errors.New(`want name{label="value"} value`)
	}
	name, rest := text[:end], text[end:]
	var labels []metrics.Label
	var err error
	if rest[0] == '{' {
		if labels, rest, err = textLabels(rest[1:]); err != nil {
			return metrics.Sample{}, err
		}
	}
	series, err := metrics.NewSeries(name, labels...)
	if err != nil {
		return metrics.Sample{}, err
	}
	s := metrics.Sample{Series: series, At: now.UnixMilli()}
	return s, textNumbers(strings.Fields(rest), &s)
}

// textNumbers reads the value and the time, which may be missing.
func textNumbers(fields []string, s *metrics.Sample) error {
	if len(fields) < 1 || len(fields) > 2 {
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

// textLabels reads label="value" pairs, a comma between and perhaps one behind them, up to the
// closing brace, and returns what follows it.
func textLabels(text string) (labels []metrics.Label, rest string, err error) {
	for {
		text = strings.TrimLeft(text, " \t")
		if after, ok := strings.CutPrefix(text, "}"); ok {
			return labels, after, nil
		}
		var l metrics.Label
		if l, text, err = textLabel(text); err != nil {
			return nil, "", err
		}
		labels = append(labels, l)
		text = strings.TrimLeft(text, " \t")
		if after, ok := strings.CutPrefix(text, ","); ok {
			text = after
		} else if !strings.HasPrefix(text, "}") {
			return nil, "", metrics.Errorf(metrics.Invalid, "after label %q a comma or the closing brace is missing", l.Name)
		}
	}
}

// textLabel reads one label="value", and returns what follows it.
func textLabel(text string) (l metrics.Label, rest string, err error) {
	name, after, ok := strings.Cut(text, "=")
	if !ok {
		return l, "", errors.New("a label or the closing brace is missing")
	}
	l.Name = strings.TrimRight(name, " \t")
	if l.Value, rest, err = quoted(strings.TrimLeft(after, " \t")); err != nil {
		return l, "", metrics.Errorf(metrics.Invalid, "label %q: %w", l.Name, err)
	}
	return l, rest, nil
}

// escapes are those that a quoted value may have, by the character behind the backslash.
var escapes = map[byte]byte{'n': '\n', '\\': '\\', '"': '"'}

// quoted reads a "value" with its escapes, and returns what follows it.
func quoted(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		return "", "", errors.New("the value must stand in double quotes")
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], nil
		case c == '\\' && i+1 < len(text):
			i++
			escaped, ok := escapes[text[i]]
			if !ok {
				return "", "", errors.New(`a backslash must be written as \\`)
			}
			b.WriteByte(escaped)
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errors.New("the closing quote is missing")
}
