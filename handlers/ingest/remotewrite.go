package ingest

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"liveboard/metrics"
)

// Prometheus's remote write: https://prometheus.io/docs/specs/prw/remote_write_spec/ and …_spec_2_0/
//
// What cannot be stored is refused with 400, which no sender tries again, and everything else of the request is stored.
// Series beyond a limit are no exception: after 429 the whole request would come again for ever, and known series would wait
// behind it. Only 503 asks for another try.
func init() {
	openers = append(openers, func(*Intake) ([]protocol, func(context.Context)) {
		known := newSeriesCache()
		return []protocol{{
			format: "remote_write", routes: []string{"POST /api/v1/write"}, coding: "snappy",
			read:   func(d *delivery) (metrics.Batch, error) { return readWrite(d, known) },
			accept: acceptWrite, refuse: refuseWrite,
		}}, nil
	})
}

// The messages of 1.0 and 2.0, as the Content-Type names them.
const (
	protoV1 = "prometheus.WriteRequest"
	protoV2 = "io.prometheus.write.v2.Request"
)

// maxSentSamples of a request are stored; it bounds the memory that a body of very short samples can take.
const maxSentSamples = 8 * metrics.MaxBatchSamples

// writeProto returns which message a body is. Senders older than 2.0 need not say.
func writeProto(r *http.Request) (string, error) {
	header := r.Header.Get("Content-Type")
	if header == "" {
		return protoV1, nil
	}
	media, params, err := mime.ParseMediaType(header)
	if err == nil && media == "application/x-protobuf" {
		switch proto := params["proto"]; proto {
		case "":
			return protoV1, nil
		case protoV1, protoV2:
			return proto, nil
		}
	}
	return "", metrics.Errorf(metrics.Unsupported, "Content-Type must be application/x-protobuf, with proto=%s or proto=%s, not %q", protoV1, protoV2, header)
}

func readWrite(d *delivery, known *seriesCache) (metrics.Batch, error) {
	proto, err := writeProto(d.Request)
	if err != nil {
		return metrics.Batch{}, err
	}
	w := newWrite(d, known)
	if proto == protoV2 {
		err = w.readV2(d.body)
	} else {
		err = w.readV1(d.body)
	}
	return metrics.Batch{Samples: w.samples, Partial: true}, err
}

// write is a request being read.
type write struct {
	*delivery
	known    *seriesCache
	samples  []metrics.Sample
	from, to int64  // the times that samples may have
	last     *spelt // the series before

	symbols []symbol // of 2.0
	refs    []uint32 // of the labels of a series
	text    []byte   // the same as a message of 1.0 has them
}

func newWrite(d *delivery, known *seriesCache) *write {
	return &write{delivery: d, known: known, last: new(spelt), from: d.now.Add(-metrics.MaxPast).UnixMilli(), to: d.now.Add(metrics.MaxFuture).UnixMilli()}
}

// readV1 reads a prometheus.WriteRequest. What it says of metrics beside their samples is passed over.
func (w *write) readV1(body []byte) error {
	w.expect(body, 1)
	request := scanner{rest: body}
	for f, ok := request.next(); ok; f, ok = request.next() {
		if f.is(1, protowire.BytesType) {
			if err := w.seriesV1(f.bytes); err != nil {
				return err
			}
		}
	}
	return request.err
}

// expect makes room for one sample of each series, which stand in the fields of that number.
func (w *write) expect(body []byte, series protowire.Number) {
	n := 0
	for request := (scanner{rest: body}); n < maxSentSamples; {
		f, ok := request.next()
		if !ok {
			break
		}
		if f.is(series, protowire.BytesType) && len(f.bytes) > 8 {
			n++
		}
	}
	w.samples = make([]metrics.Sample, 0, n)
}

// seriesV1 reads a prometheus.TimeSeries.
func (w *write) seriesV1(message []byte) error {
	var text []byte
	fields := scanner{rest: message}
	begin, points := 0, 0
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		end := len(message) - len(fields.rest)
		switch {
		case !f.is(1, protowire.BytesType):
			points++
		case begin == len(text): // so far they are one piece of the message, as everybody writes them
			text = message[:end:end]
		default:
			text = append(text, message[begin:end]...)
		}
		begin = end
	}
	if fields.err != nil || points == 0 {
		return fields.err
	}
	series, wrong := w.series(text)
	return w.points(series, wrong, message, 2, 4)
}

// series returns the series that is spelt so.
func (w *write) series(text []byte) (metrics.Series, error) {
	known, err := w.known.after(w.last, text, spell)
	if err != nil {
		return metrics.Series{}, err
	}
	w.last = known
	return known.series, nil
}

// points reads the samples of a series, unless something is wrong with that. They stand in fields of that number, as
// histograms do.
func (w *write) points(series metrics.Series, wrong error, message []byte, samples, histograms protowire.Number) error {
	points := scanner{rest: message}
	for f, ok := points.next(); ok; f, ok = points.next() {
		switch {
		case f.is(histograms, protowire.BytesType):
			w.leave(func() error { return errNative })
		case !f.is(samples, protowire.BytesType):
		case wrong != nil:
			w.leave(func() error { return wrong })
		default:
			if err := w.point(series, f.bytes); err != nil {
				return err
			}
		}
	}
	return points.err
}

var errNative = metrics.Errorf(metrics.Invalid, "native histograms are not stored: have the sender scrape and send classic buckets")

var errTooManySamples = metrics.Errorf(metrics.Invalid, "a request may have %d samples: send less at once", maxSentSamples)

// point reads a sample, whose message is the same in 1.0 and 2.0.
func (w *write) point(series metrics.Series, message []byte) error {
	s := metrics.Sample{Series: series}
	fields := scanner{rest: message}
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		switch {
		case f.is(1, protowire.Fixed64Type):
			s.Value = f.float()
		case f.is(2, protowire.VarintType):
			s.At = int64(f.bits)
		}
	}
	switch {
	case s.At < w.from || s.At > w.to:
		w.leave(func() error { return s.Check(w.now) })
	case len(w.samples) == maxSentSamples:
		w.leave(func() error { return errTooManySamples })
	default:
		w.samples = append(w.samples, s)
	}
	return fields.err
}

// maxLabelsSent of a series are looked at, some of which may be empty.
const maxLabelsSent = 4 * metrics.MaxLabels

var errTwice = errors.New("the label is there twice")

// spell reads labels, which are fields with the number 1 of a prometheus.TimeSeries.
func spell(text []byte) (metrics.Series, error) {
	name := ""
	var labels []metrics.Label
	fields := scanner{rest: text}
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		l, err := readLabel(f.bytes)
		if err != nil {
			return metrics.Series{}, err
		}
		if len(labels) > maxLabelsSent {
			return metrics.Series{}, metrics.Errorf(metrics.Invalid, "a series has more than %d labels", maxLabelsSent)
		}
		if l.Name != metrics.NameLabel {
			labels = append(labels, l)
			continue
		}
		if name != "" {
			return metrics.Series{}, metrics.Errorf(metrics.Invalid, "label %q: %w", metrics.NameLabel, errTwice)
		}
		name = l.Value
	}
	return cleanSeries(name, labels)
}

// readLabel reads a prometheus.Label.
func readLabel(message []byte) (l metrics.Label, err error) {
	fields := scanner{rest: message}
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		switch {
		case f.is(1, protowire.BytesType):
			l.Name = string(f.bytes)
		case f.is(2, protowire.BytesType):
			l.Value = string(f.bytes)
		}
	}
	return l, fields.err
}

// cleanSeries returns the series with its names in our alphabet.
func cleanSeries(name string, labels []metrics.Label) (_ metrics.Series, err error) {
	if name, err = cleanName(name); err != nil {
		return metrics.Series{}, err
	}
	for i, l := range labels {
		if labels[i].Name, err = cleanLabel(l.Name); err != nil {
			return metrics.Series{}, err
		}
	}
	return metrics.NewSeries(name, labels...)
}

// acceptWrite answers 204, and tells a sender of 2.0 what was written.
func acceptWrite(w http.ResponseWriter, d *delivery) {
	tellWritten(w, d.Request, d.recorded)
	w.WriteHeader(http.StatusNoContent)
}

func tellWritten(w http.ResponseWriter, r *http.Request, recorded int) {
	if proto, _ := writeProto(r); proto != protoV2 {
		return
	}
	w.Header().Set("X-Prometheus-Remote-Write-Samples-Written", strconv.Itoa(recorded))
	w.Header().Set("X-Prometheus-Remote-Write-Histograms-Written", "0")
	w.Header().Set("X-Prometheus-Remote-Write-Exemplars-Written", "0")
}

// refuseWrite answers 400 to what would not get better by coming again.
func refuseWrite(i *Intake, w http.ResponseWriter, r *http.Request, err error) {
	recorded := 0
	if partial := (*metrics.PartialError)(nil); errors.As(err, &partial) {
		recorded = partial.Recorded
		err = metrics.Errorf(metrics.Invalid, "%w", err)
	}
	if metrics.KindOf(err) == metrics.TooLarge { // which some senders repeat for ever
		err = metrics.Errorf(metrics.Invalid, "%w", err)
	}
	tellWritten(w, r, recorded)
	i.Fail(w, r, err)
}
