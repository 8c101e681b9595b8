package ingest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/bits"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/influxdata/line-protocol/v2/lineprotocol"

	"liveboard/metrics"
)

// influx is the format of InfluxDB's lines:
// https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
const influx = "influx"

func init() {
	register(protocol{format: influx, routes: []string{"POST /write"}, check: noSecretInURL, read: readInflux, refuse: refuseInflux1})
	register(protocol{format: influx, routes: []string{"POST /api/v2/write"}, check: noSecretInURL, read: readInflux, refuse: refuseInflux2})
}

// noSecretInURL refuses InfluxDB 1's credentials in the query, which proxies log.
func noSecretInURL(d *delivery) error {
	if q := d.URL.Query(); q.Get("p") != "" {
		return metrics.Errorf(metrics.Unauthorized, "A secret does not belong into a URL, where every proxy on the way logs it: "+
			"take u and p out of it, and send a token as the password of basic authentication, or as Authorization: Token lb_….")
	}
	return nil
}

// readInflux reads the lines of a body. Of database, bucket, organisation and retention policy there is one.
func readInflux(d *delivery) (metrics.Batch, error) {
	unit, err := influxUnit(d.URL.Query().Get("precision"))
	if err != nil {
		return metrics.Batch{}, err
	}
	r := influxReader{unit: unit, now: d.now, refused: &d.refused}
	err = r.read(d.body)
	d.skipped = r.strings
	return metrics.Batch{Samples: r.samples, Partial: true}, err
}

// unit is a span of time, as so many nanoseconds.
type unit int64

// influxUnits are the precisions of versions 1 and 2, by name.
var influxUnits = map[string]unit{
	"": 1, "ns": 1, "n": 1, "us": 1e3, "u": 1e3, "µ": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9,
}

func influxUnit(precision string) (unit, error) {
	u, ok := influxUnits[precision]
	if !ok {
		return 0, metrics.Errorf(metrics.Invalid, "precision is ns, us, ms, s, m or h, not %q.", precision)
	}
	return u, nil
}

// unitOf returns the unit in which a time, read as Unix time, lies between 1973 and 5138: ns, us, ms or s.
func unitOf(n int64) unit {
	switch n = max(n, -n); {
	case n < 1e11:
		return 1e9
	case n < 1e14:
		return 1e6
	case n < 1e17:
		return 1e3
	}
	return 1
}

// milliseconds returns n units in Unix milliseconds, as close to them as 64 bits allow.
func (u unit) milliseconds(n int64) int64 {
	const ms = unit(time.Millisecond)
	if u <= ms {
		return n / int64(ms/u)
	}
	if high, low := bits.Mul64(uint64(max(n, -n)), uint64(u/ms)); high != 0 || low > math.MaxInt64 {
		return math.MaxInt64
	}
	return n * int64(u/ms)
}

// maxFields are read of a body, which bounds the memory that one of very short lines can take. Senders divide what is too large.
const maxFields = 4 * metrics.MaxBatchSamples

var errManyFields = metrics.Errorf(metrics.TooLarge, "The body has more than %d numbers: send it in parts.", maxFields)

// influxReader reads InfluxDB's lines. What is wrong with a line is added to refused, and the others are read.
type influxReader struct {
	unit    unit // 0 for that in which a time is one of these years
	now     time.Time
	refused *refusal
	samples []metrics.Sample
	strings int // fields that were passed over

	labels []metrics.Label
}

// read reads lines. The error tells that they could not be told apart.
func (r *influxReader) read(body []byte) error {
	lines := entries{body: body}
	d := lineprotocol.NewDecoder(&lines)
	for lines.inside = false; d.Next(); lines.inside = false {
		lines.inside, lines.entry = true, 0
		before, line := len(r.samples), lines.line
		err := r.entry(d)
		if errors.Is(err, errManyFields) {
			return err
		}
		if err != nil {
			r.samples = r.samples[:before]
			r.refused.add(1, lineError(line, err))
		}
	}
	return d.Err()
}

// entry reads one entry, whose samples are those of its fields.
func (r *influxReader) entry(d *lineprotocol.Decoder) error {
	measurement, err := d.Measurement()
	if err != nil {
		return err
	}
	name := string(measurement) // which the next call overwrites
	if err := r.tags(d); err != nil {
		return err
	}
	first := len(r.samples)
	if err := r.fields(d, name); err != nil {
		return err
	}
	at, err := r.time(d)
	if err != nil {
		return err
	}
	for i := range r.samples[first:] {
		s := &r.samples[first+i]
		if s.At = at; i == 0 {
			if err := s.Check(r.now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *influxReader) tags(d *lineprotocol.Decoder) error {
	r.labels = r.labels[:0]
	for {
		key, value, err := d.NextTag()
		if err != nil || key == nil {
			return err
		}
		name, err := cleanLabel(string(key))
		if err != nil {
			return err
		}
		r.labels = append(r.labels, metrics.Label{Name: name, Value: string(value)})
	}
}

// fields appends a sample for each field that is a number: measurement_field, or the measurement alone for one called value.
func (r *influxReader) fields(d *lineprotocol.Decoder, measurement string) error {
	for {
		key, value, err := d.NextField()
		if err != nil || key == nil {
			return err
		}
		if len(r.samples) == maxFields {
			return errManyFields
		}
		number, ok := influxNumber(value)
		if !ok {
			r.strings++
			continue
		}
		name := measurement
		if string(key) != "value" {
			name += "_" + string(key)
		}
		if name, err = cleanName(name); err != nil {
			return err
		}
		series, err := metrics.NewSeries(name, r.labels...)
		if err != nil {
			return err
		}
		r.samples = append(r.samples, metrics.Sample{Series: series, Value: number})
	}
}

// influxNumber returns the value of a field as a number; ok is false where it is a string.
func influxNumber(v lineprotocol.Value) (number float64, ok bool) {
	switch v.Kind() {
	case lineprotocol.Float:
		return v.FloatV(), true
	case lineprotocol.Int:
		return float64(v.IntV()), true
	case lineprotocol.Uint:
		return float64(v.UintV()), true
	case lineprotocol.Bool:
		if v.BoolV() {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// time returns when the entry is from, in Unix milliseconds.
func (r *influxReader) time(d *lineprotocol.Decoder) (int64, error) {
	text, err := d.TimeBytes()
	if err != nil || len(text) == 0 {
		return r.now.UnixMilli(), err
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return 0, metrics.Errorf(metrics.Invalid, "%q is not a time", text)
	}
	return cmp.Or(r.unit, unitOf(n)).milliseconds(n), nil
}

// influxError is an error with the line that it stands in.
type influxError struct {
	line int
	error
}

// lineError says where in the body an entry is wrong, which begins in that line.
func lineError(line int, err error) error {
	if wrong := (*lineprotocol.DecodeError)(nil); errors.As(err, &wrong) {
		err = wrong.Err // whose own line counts only those that the decoder was given
	}
	return &influxError{line, metrics.Errorf(metrics.Invalid, "line %d: %w", line, err)}
}

// Unwrap returns the error, of kind Invalid.
func (e *influxError) Unwrap() error { return e.error }

// maxEntryBytes bounds what the decoder gathers of one entry.
const maxEntryBytes = 1 << 20

// entries gives a decoder one line at a time, and so knows in which line it is.
type entries struct {
	body   []byte // what is left
	line   int    // that was given last, from 1
	inside bool   // the decoder is in an entry
	entry  int    // bytes given of it
	cut    bool   // the line was given in part
}

// Read gives what is left of a line. Between entries it passes over empty lines and remarks, which the decoder would keep.
func (e *entries) Read(p []byte) (int, error) {
	for len(e.body) > 0 {
		end := bytes.IndexByte(e.body, '\n') + 1
		if end == 0 {
			end = len(e.body)
		}
		if !e.cut {
			e.line++
		}
		if text := bytes.TrimLeft(e.body[:end], " \r\n"); !e.cut && !e.inside && (len(text) == 0 || text[0] == '#') {
			e.body = e.body[end:]
			continue
		}
		n := copy(p, e.body[:end])
		e.body, e.cut = e.body[n:], n < end
		if e.entry += n; e.entry > maxEntryBytes {
			return 0, metrics.Errorf(metrics.Invalid, "line %d: the entry is longer than %d MiB.", e.line, maxEntryBytes>>20)
		}
		return n, nil
	}
	return 0, io.EOF
}

// refuseInflux1 answers as InfluxDB 1 does. “partial write” tells clients not to send the same again.
func refuseInflux1(i *Intake, w http.ResponseWriter, r *http.Request, err error) {
	status, sentence := i.Explain(w, r, err)
	if partial := (*metrics.PartialError)(nil); errors.As(err, &partial) {
		status, sentence = http.StatusBadRequest, influxPartial(w, partial)
	}
	answerJSON(w, status, map[string]string{"error": sentence})
}

// influxPartial is the sentence of InfluxDB's versions that its clients look for. They shall not come back with the same.
func influxPartial(w http.ResponseWriter, err *metrics.PartialError) string {
	w.Header().Del("Retry-After")
	return "partial write: " + err.First.Error() + " dropped=" + strconv.Itoa(err.Refused)
}

// influxCodes are the error codes of InfluxDB 2, by status:
// https://docs.influxdata.com/influxdb/v2/api/#operation/PostWrite
var influxCodes = map[int]string{
	http.StatusBadRequest:            "invalid",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusRequestEntityTooLarge: "request too large",
	http.StatusUnsupportedMediaType:  "invalid",
	http.StatusUnprocessableEntity:   "unprocessable entity",
	http.StatusTooManyRequests:       "too many requests",
	http.StatusServiceUnavailable:    "unavailable",
}

// refuseInflux2 answers as InfluxDB 2 does.
func refuseInflux2(i *Intake, w http.ResponseWriter, r *http.Request, err error) {
	status, sentence := i.Explain(w, r, err)
	if partial := (*metrics.PartialError)(nil); errors.As(err, &partial) {
		sentence = influxPartial(w, partial)
		if status != http.StatusBadRequest {
			status = http.StatusUnprocessableEntity // which clients do not send again, as they would with 429
		}
	}
	if strings.HasPrefix(r.UserAgent(), "influxdb-client-js/") { // takes the seconds for milliseconds, and soon gives up
		w.Header().Del("Retry-After")
	}
	answer := map[string]any{"code": cmp.Or(influxCodes[status], "internal error"), "message": sentence}
	if wrong := (*influxError)(nil); errors.As(err, &wrong) {
		answer["line"] = wrong.line
	}
	answerJSON(w, status, answer)
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone needs no answer
}

// influxLines are the same lines as datagrams, which cannot say their precision: collectd's times are milliseconds, most
// others' nanoseconds.
func influxLines() lines { return lines{format: influx, take: takeInflux} }

func takeInflux(l *listener, p packet) {
	var refused refusal
	r := influxReader{now: p.now, refused: &refused}
	if err := r.read(p.text); err != nil {
		refused.add(1, err)
	}
	l.intake.stats.skipped.WithLabelValues(l.format).Add(float64(r.strings))
	if refused.n > 0 {
		l.drop(refused.n, "malformed", p.from, refused.first)
	}
	l.put(p, r.samples)
}
