package ingest

import (
	"google.golang.org/protobuf/encoding/protowire"

	"liveboard/metrics"
)

// maxSymbols bounds the memory that a body of empty symbols can take.
const maxSymbols = 1 << 19

// symbol is where a text of a request of 2.0 stands in its body.
type symbol struct{ from, to uint32 }

// readV2 reads an io.prometheus.write.v2.Request. What it says of metrics beside their samples is passed over.
func (w *write) readV2(body []byte) error {
	w.expect(body, 5)
	if err := w.readSymbols(body); err != nil {
		return err
	}
	request := scanner{rest: body}
	for f, ok := request.next(); ok; f, ok = request.next() {
		if f.is(5, protowire.BytesType) {
			if err := w.seriesV2(f.bytes); err != nil {
				return err
			}
		}
	}
	return request.err
}

func (w *write) readSymbols(body []byte) error {
	request := scanner{rest: body}
	for f, ok := request.next(); ok; f, ok = request.next() {
		if !f.is(4, protowire.BytesType) {
			continue
		}
		if len(w.symbols) == maxSymbols {
			return metrics.Errorf(metrics.Invalid, "a request may have %d symbols: send less at once", maxSymbols)
		}
		to := len(body) - len(request.rest)
		w.symbols = append(w.symbols, symbol{uint32(to - len(f.bytes)), uint32(to)})
	}
	return request.err
}

// seriesV2 reads an io.prometheus.write.v2.TimeSeries.
func (w *write) seriesV2(message []byte) error {
	w.refs = w.refs[:0]
	fields := scanner{rest: message}
	for f, ok := fields.next(); ok; f, ok = fields.next() {
		if f.number != 1 {
			continue
		}
		for ref, err := range f.packed() {
			if err != nil {
				return err
			}
			if ref >= uint64(len(w.symbols)) {
				return metrics.Errorf(metrics.Invalid, "a label refers to symbol %d of %d", ref, len(w.symbols))
			}
			if len(w.refs) <= 2*maxLabelsSent {
				w.refs = append(w.refs, uint32(ref))
			}
		}
	}
	if fields.err != nil {
		return fields.err
	}
	wrong := w.spellRefs()
	var series metrics.Series
	if wrong == nil {
		series, wrong = w.series(w.text)
	}
	return w.points(series, wrong, message, 2, 3)
}

// spellRefs spells the labels out as a message of 1.0 has them. What no label may be it does not spell: few bytes can refer to
// a long text very often.
func (w *write) spellRefs() error {
	if len(w.refs)%2 != 0 {
		return metrics.Errorf(metrics.Invalid, "a label has no value")
	}
	if len(w.refs) > 2*maxLabelsSent {
		return metrics.Errorf(metrics.Invalid, "a series has more than %d labels", maxLabelsSent)
	}
	w.text = w.text[:0]
	for i := 0; i < len(w.refs); i += 2 {
		name, value := w.symbol(w.refs[i]), w.symbol(w.refs[i+1])
		if len(name) > metrics.MaxNameBytes || len(value) > metrics.MaxLabelValueBytes {
			return metrics.Errorf(metrics.Invalid, "a label has %d bytes of name and %d of value, at most %d and %d are allowed",
				len(name), len(value), metrics.MaxNameBytes, metrics.MaxLabelValueBytes)
		}
		w.text = appendLabel(w.text, name, value)
	}
	return nil
}

// appendLabel appends a label as the field 1 of a prometheus.TimeSeries.
func appendLabel(text, name, value []byte) []byte {
	text = protowire.AppendTag(text, 1, protowire.BytesType)
	text = protowire.AppendVarint(text, uint64(2+protowire.SizeBytes(len(name))+protowire.SizeBytes(len(value))))
	text = protowire.AppendTag(text, 1, protowire.BytesType)
	text = protowire.AppendBytes(text, name)
	text = protowire.AppendTag(text, 2, protowire.BytesType)
	return protowire.AppendBytes(text, value)
}

func (w *write) symbol(ref uint32) []byte {
	s := w.symbols[ref]
	return w.body[s.from:s.to]
}
