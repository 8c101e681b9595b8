package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// scoreReader reads the blocks of rows, one after the other. Any bytes are safe to read.
type scoreReader struct {
	plain    []byte // kept for the next row
	rest     []byte
	texts    []string // that recur
	torn     bool     // rest ended too early, or is no block
	number   uint64   // of the next entry
	received int64
}

// open begins with a payload whose first entry has that number, and returns how many entries it has.
func (r *scoreReader) open(payload []byte, first uint64) (count int, err error) {
	if r.plain, err = unpack(r.plain, scoreFormat, payload); err != nil {
		return 0, err
	}
	r.rest, r.torn, r.number, r.received = r.plain, false, first, 0
	r.texts = r.texts[:0]
	for range r.count(1) {
		r.texts = append(r.texts, r.text())
	}
	const least = 5 // bytes of an entry
	count = r.count(least)
	switch {
	case r.torn:
		return 0, errors.New("it ends before its first entry")
	case count > maxRowEntries:
		return 0, fmt.Errorf("a row of %d entries is out of bounds", count)
	}
	return count, nil
}

// next reads the next entry.
func (r *scoreReader) next(e *rank.Entry) error {
	*e = rank.Entry{Number: r.number, Kind: rank.Kind(r.byte())}
	p := parts(r.uvarint())
	e.Board = r.recurring()
	r.received += r.varint()
	e.Received = r.received
	player := r.uvarint()
	e.Player = uint32(player)
	e.Value = r.value(p)
	if p&partAt != 0 {
		e.At = e.Received + r.varint()
	}
	if p&partPrevious != 0 {
		e.Previous = e.Number - r.uvarint()
	}
	if p&partSubs != 0 {
		e.Subs = r.subs()
	}
	if p >= partID {
		r.words(p, e)
	}
	if r.torn || player > math.MaxUint32 {
		return fmt.Errorf("entry %d is torn", e.Number)
	}
	r.number++
	return nil
}

func (r *scoreReader) words(p parts, e *rank.Entry) {
	if p&partID != 0 {
		e.ID = r.text()
	}
	if p&partName != 0 {
		e.Name = r.text()
	}
	if p&partAttributes != 0 {
		e.Attributes = r.attributes()
	}
	if p&partTarget != 0 {
		e.Target = e.Number - r.uvarint()
	}
	if p&partBy != 0 {
		e.By = r.recurring()
	}
	if p&partReason != 0 {
		e.Reason = r.text()
	}
}

// close returns an error where the block goes on after its last entry.
func (r *scoreReader) close() error {
	if len(r.rest) > 0 {
		return fmt.Errorf("it has %d bytes too many", len(r.rest))
	}
	return nil
}

// take returns the next n bytes.
func (r *scoreReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.tear()
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *scoreReader) tear() { r.rest, r.torn = nil, true }

func (r *scoreReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *scoreReader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.tear()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *scoreReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.tear()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads how many things of at least that many bytes follow.
func (r *scoreReader) count(least int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/least) {
		r.tear()
		return 0
	}
	return int(n)
}

func (r *scoreReader) text() string { return string(r.take(r.uvarint())) }

func (r *scoreReader) recurring() string {
	n := r.uvarint()
	if n >= uint64(len(r.texts)) {
		r.tear()
		return ""
	}
	return r.texts[n]
}

func (r *scoreReader) value(p parts) float64 {
	switch {
	case p&partWhole != 0:
		return float64(r.varint())
	case p&partFloat != 0:
		if b := r.take(8); b != nil {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	}
	return 0
}

func (r *scoreReader) subs() []metrics.Sub {
	const least = 2 // bytes of a sub-score
	subs := make([]metrics.Sub, r.count(least))
	for i := range subs {
		subs[i].Name = r.recurring()
		subs[i].Value = r.value(parts(r.uvarint()))
	}
	return subs
}

func (r *scoreReader) attributes() metrics.Labels {
	const least = 2 // bytes of an attribute
	labels := make(metrics.Labels, r.count(least))
	for i := range labels {
		labels[i] = metrics.Label{Name: r.recurring(), Value: r.recurring()}
	}
	return labels
}

// decodeScores returns the entries of a payload, the first of which has that number.
func decodeScores(payload []byte, first uint64) ([]rank.Entry, error) {
	var r scoreReader
	count, err := r.open(payload, first)
	if err != nil {
		return nil, err
	}
	entries := make([]rank.Entry, count)
	for i := range entries {
		if err := r.next(&entries[i]); err != nil {
			return nil, err
		}
	}
	return entries, r.close()
}
