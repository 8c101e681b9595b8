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

// graphiteLines is Graphite's plaintext protocol: path value time, with tags behind the path.
// https://graphite.readthedocs.io/en/latest/feeding-carbon.html#the-plaintext-protocol
func graphiteLines() lines {
	return lines{format: "graphite", overTCP: true, take: takeGraphite}
}

func takeGraphite(l *listener, p packet) {
	var samples []metrics.Sample
	for line := range bytes.Lines(p.text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		s, err := graphiteSample(string(line), p.now)
		if err == nil {
			err = s.Check(p.now)
		}
		switch {
		case err != nil:
			l.malformed(p, line, err)
		case math.IsNaN(s.Value) || math.IsInf(s.Value, 0): // how collectd spells that it does not know
			l.intake.stats.skipped.WithLabelValues(l.format).Inc()
		default:
			samples = append(samples, s)
		}
	}
	l.put(p, samples)
}

func graphiteSample(line string, now time.Time) (s metrics.Sample, err error) {
	fields := strings.Fields(line)
	if len(fields) < 2 || len(fields) > 3 {
		return s, errors.New("want a path, a value and perhaps a time")
	}
	if s.Series, err = graphiteSeries(fields[0]); err != nil {
		return s, err
	}
	if s.Value, err = strconv.ParseFloat(fields[1], 64); err != nil {
		return s, metrics.Errorf(metrics.Invalid, "%q is not a number", fields[1])
	}
	s.At = now.UnixMilli()
	if len(fields) == 3 && fields[2] != "N" && fields[2] != "-1" {
		seconds, err := strconv.ParseFloat(fields[2], 64)
		if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > math.MaxUint32 {
			return s, metrics.Errorf(metrics.Invalid, "%q is not a time in Unix seconds", fields[2])
		}
		s.At = int64(seconds * 1000)
	}
	return s, nil
}

// graphiteSeries returns the series of a path such as servers.web1.cpu;rack=2.
func graphiteSeries(path string) (metrics.Series, error) {
	path, tags, tagged := strings.Cut(path, ";")
	name, err := cleanName(strings.Trim(path, "."))
	if err != nil {
		return metrics.Series{}, err
	}
	var labels []metrics.Label
	for tagged {
		var tag string
		tag, tags, tagged = strings.Cut(tags, ";")
		key, value, ok := strings.Cut(tag, "=")
		if !ok {
			return metrics.Series{}, metrics.Errorf(metrics.Invalid, "the tag %q has no value", tag)
		}
		if key, err = cleanLabel(key); err != nil {
			return metrics.Series{}, err
		}
		labels = append(labels, metrics.Label{Name: key, Value: value})
	}
	return metrics.NewSeries(name, labels...)
}
