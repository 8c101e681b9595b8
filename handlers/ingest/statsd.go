package ingest

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"liveboard/metrics"
)

// What StatsD's lines may make this server remember.
const (
	maxStats    = 50_000
	maxKept     = 1 << 20 // values of timers and members of sets, until the next flush
	statIdleFor = time.Hour
)

// statsd adds up StatsD's lines: https://github.com/statsd/statsd/blob/master/docs/metric_types.md, with tags as
// Datadog writes them: https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/
type statsd struct {
	mu    sync.Mutex
	stats map[statKey]*tally
	kept  kept
}

// statKey is what a stat is told apart by. A counter and a gauge may have the same name.
type statKey struct {
	kind   string
	series metrics.Series
}

// tally is a stat with what is known of those who send it.
type tally struct {
	stat
	from netip.Addr // who sent last
	at   time.Time  // when
}

// kept counts what is kept until the next flush.
type kept int

// one reports whether one more may be kept.
func (k *kept) one() bool {
	if *k >= maxKept {
		return false
	}
	*k++
	return true
}

// statsdLines is StatsD's protocol.
func statsdLines(every time.Duration) lines {
	s := &statsd{stats: make(map[statKey]*tally)}
	return lines{format: "statsd", overTCP: true, take: s.take, flush: s.flush, every: every}
}

func (s *statsd) take(l *listener, p packet) {
	for line := range bytes.Lines(p.text) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case bytes.HasPrefix(line, []byte("_e{")), bytes.HasPrefix(line, []byte("_sc|")): // events and service checks
			l.intake.stats.skipped.WithLabelValues(l.format).Inc()
		default:
			if err := s.line(string(line), p); err != nil {
				l.malformed(p, line, err)
			}
		}
	}
}

// line takes in a line. Of one with several values, those before a wrong one count.
func (s *statsd) line(line string, p packet) error {
	head, strokes, err := statsdStrokes(line)
	if err != nil {
		return err
	}
	for _, one := range strokes {
		if err := s.add(head, one, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *statsd) add(head statsdHead, one stroke, p packet) error {
	known, ok := kinds[one.kind]
	if !ok {
		return metrics.Errorf(metrics.Invalid, "%q is no kind of metric", one.kind)
	}
	series, err := metrics.NewSeries(head.name, head.labels...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := statKey{known.name, series}
	t := s.stats[key]
	if t == nil {
		if len(s.stats) >= maxStats {
			return metrics.Errorf(metrics.TooMany, "there are %d metrics already", maxStats)
		}
		made, err := known.make(head, p.now.UnixMilli())
		if err != nil {
			return err
		}
		t = &tally{stat: made}
	}
	if err := t.add(one, known.scale, &s.kept); err != nil {
		return err
	}
	s.stats[key], t.from, t.at = t, p.from, p.now
	return nil
}

// flush hands on what has been added up, and forgets what nobody has sent for long.
func (s *statsd) flush(l *listener, now time.Time) {
	for from, samples := range s.added(now) {
		for part := range slices.Chunk(samples, maxGathered/4) {
			l.put(packet{from: from, waits: true}, part)
		}
	}
}

func (s *statsd) added(now time.Time) map[netip.Addr][]metrics.Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = 0
	bySender := make(map[netip.Addr][]metrics.Sample)
	for key, t := range s.stats {
		samples := bySender[t.from]
		if now.Sub(t.at) < statIdleFor {
			samples = t.flush(samples, now.UnixMilli())
		} else {
			samples = t.end(samples, now.UnixMilli())
			delete(s.stats, key)
		}
		bySender[t.from] = samples
	}
	return bySender
}

// statsdHead is what all values of a line are about.
type statsdHead struct {
	name   string
	labels []metrics.Label
}

// stroke is one value.
type stroke struct {
	kind, value string
	rate        float64 // the share of all values that is sent
}

// statsdStrokes reads name:value|kind|@rate|#tag:value,…, where there may be more of value|kind|@rate, or of value alone,
// behind a colon.
func statsdStrokes(line string) (head statsdHead, strokes []stroke, err error) {
	name, rest, found := strings.Cut(line, ":")
	if !found {
		return head, nil, errors.New("want name:value|kind")
	}
	if head.name, err = cleanName(name); err != nil {
		return head, nil, err
	}
	values, meta, _ := strings.Cut(rest, "|")
	if !strings.Contains(meta, "|#") && !strings.Contains(meta, "|c:") && strings.Contains(meta, ":") {
		for part := range strings.SplitSeq(rest, ":") {
			value, meta, _ := strings.Cut(part, "|")
			one, err := statsdStroke(&head, meta)
			if err != nil {
				return head, nil, err
			}
			one.value = value
			strokes = append(strokes, one)
		}
		return head, strokes, nil
	}
	one, err := statsdStroke(&head, meta)
	for one.value = range strings.SplitSeq(values, ":") {
		strokes = append(strokes, one)
	}
	return head, strokes, err
}

// statsdStroke reads what stands behind a value.
func statsdStroke(head *statsdHead, meta string) (one stroke, err error) {
	one.rate = 1
	kind, rest, more := strings.Cut(meta, "|")
	one.kind = kind
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "|")
		switch {
		case strings.HasPrefix(part, "@"):
			if one.rate, err = strconv.ParseFloat(part[1:], 64); err != nil || !(one.rate > 0 && one.rate <= 1) {
				return one, metrics.Errorf(metrics.Invalid, "the rate %q is not above 0 and at most 1", part[1:])
			}
		case strings.HasPrefix(part, "#"):
			if err := head.tag(part[1:]); err != nil {
				return one, err
			}
		} // Datadog's container ids and times are not used
	}
	return one, nil
}

// tag adds the labels of tags. The last of a name counts; a tag without a value is "true".
func (h *statsdHead) tag(tags string) error {
	for tag := range strings.SplitSeq(tags, ",") {
		if tag == "" {
			continue
		}
		name, value, found := strings.Cut(tag, ":")
		if !found {
			value = "true"
		}
		name, err := cleanLabel(name)
		if err != nil {
			return err
		}
		if len(h.labels) == maxLabelsSent { // each name is looked for among all before it
			return metrics.Errorf(metrics.Invalid, "there are more than %d tags", maxLabelsSent)
		}
		h.labels = slices.DeleteFunc(h.labels, func(l metrics.Label) bool { return l.Name == name })
		h.labels = append(h.labels, metrics.Label{Name: name, Value: value})
	}
	return nil
}
