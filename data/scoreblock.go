package data

import (
	"encoding/binary"
	"fmt"
	"math"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// The payload of a row of scores, see pack, begins with the texts that recur (names of leaderboards,
// sub-scores and attributes, values of attributes, who acted): how many, and each with its length.
// Then come how many entries there are, and the entries: the kind, the set of parts, the leaderboard, the difference of
// Received to the entry before, the player, and those parts that are not zero. At is the distance from Received,
// Previous and Target are distances back from the entry's own number. A Value that is whole is a
// varint, any other its eight bytes.
const (
	scoreFormat   = 2
	maxRowEntries = 1024 // bounds what it costs to find one entry
)

// parts is the set of an entry's parts that are not zero.
type parts uint64

// Those that most entries have come first, so that the set is mostly one byte.
const (
	partWhole parts = 1 << iota
	partFloat
	partAt
	partPrevious
	partSubs
	partID
	partName
	partAttributes
	partTarget
	partBy
	partReason
)

func partsOf(e *rank.Entry) parts {
	return partOf(e.Value) |
		partAt.when(e.At != 0) |
		partPrevious.when(e.Previous != 0) |
		partSubs.when(len(e.Subs) > 0) |
		partID.when(e.ID != "") |
		partName.when(e.Name != "") |
		partAttributes.when(len(e.Attributes) > 0) |
		partTarget.when(e.Target != 0) |
		partBy.when(e.By != "") |
		partReason.when(e.Reason != "")
}

func (p parts) when(has bool) parts {
	if !has {
		return 0
	}
	return p
}

// partOf returns how v is written: as a varint where that holds it exactly, else as its bits, of which 0 has none.
func partOf(v float64) parts {
	switch {
	case math.Float64bits(v) == 0:
		return 0
	case v != 0 && math.Abs(v) < 1<<53 && v == math.Trunc(v):
		return partWhole
	}
	return partFloat
}

// scoreWriter makes the block of a row.
type scoreWriter struct {
	numbers  map[string]uint64 // of the texts that recur
	texts    []byte
	entries  []byte
	received int64
}

// encodeScores returns the payload of entries, whose Numbers follow on each other.
func encodeScores(entries []rank.Entry) ([]byte, error) {
	w := scoreWriter{numbers: make(map[string]uint64)}
	for i := range entries {
		w.entry(&entries[i])
	}
	plain := binary.AppendUvarint(nil, uint64(len(w.numbers)))
	plain = append(plain, w.texts...)
	plain = binary.AppendUvarint(plain, uint64(len(entries)))
	plain = append(plain, w.entries...)
	if len(plain) > maxPlainBytes {
		return nil, fmt.Errorf("entries of %d bytes are out of bounds", len(plain))
	}
	return pack(scoreFormat, plain), nil
}

func (w *scoreWriter) entry(e *rank.Entry) {
	p := partsOf(e)
	w.entries = append(w.entries, byte(e.Kind))
	w.uvarint(uint64(p))
	w.recurring(e.Board)
	w.varint(e.Received - w.received)
	w.uvarint(uint64(e.Player))
	w.received = e.Received
	w.value(p, e.Value)
	if p&partAt != 0 {
		w.varint(e.At - e.Received)
	}
	if p&partPrevious != 0 {
		w.uvarint(e.Number - e.Previous)
	}
	if p&partSubs != 0 {
		w.subs(e.Subs)
	}
	w.words(p, e)
}

// words writes what entries of scores mostly have not.
func (w *scoreWriter) words(p parts, e *rank.Entry) {
	if p&partID != 0 {
		w.text(e.ID)
	}
	if p&partName != 0 {
		w.text(e.Name)
	}
	if p&partAttributes != 0 {
		w.attributes(e.Attributes)
	}
	if p&partTarget != 0 {
		w.uvarint(e.Number - e.Target)
	}
	if p&partBy != 0 {
		w.recurring(e.By)
	}
	if p&partReason != 0 {
		w.text(e.Reason)
	}
}

func (w *scoreWriter) uvarint(v uint64) { w.entries = binary.AppendUvarint(w.entries, v) }
func (w *scoreWriter) varint(v int64)   { w.entries = binary.AppendVarint(w.entries, v) }

func (w *scoreWriter) text(s string) {
	w.uvarint(uint64(len(s)))
	w.entries = append(w.entries, s...)
}

// recurring writes the number of a text that other entries probably have too.
func (w *scoreWriter) recurring(s string) {
	number, ok := w.numbers[s]
	if !ok {
		number = uint64(len(w.numbers))
		w.numbers[s] = number
		w.texts = append(binary.AppendUvarint(w.texts, uint64(len(s))), s...)
	}
	w.uvarint(number)
}

func (w *scoreWriter) value(p parts, v float64) {
	switch {
	case p&partWhole != 0:
		w.varint(int64(v))
	case p&partFloat != 0:
		w.entries = binary.LittleEndian.AppendUint64(w.entries, math.Float64bits(v))
	}
}

func (w *scoreWriter) subs(subs []metrics.Sub) {
	w.uvarint(uint64(len(subs)))
	for _, sub := range subs {
		w.recurring(sub.Name)
		p := partOf(sub.Value)
		w.uvarint(uint64(p))
		w.value(p, sub.Value)
	}
}

func (w *scoreWriter) attributes(labels metrics.Labels) {
	w.uvarint(uint64(len(labels)))
	for _, l := range labels {
		w.recurring(l.Name)
		w.recurring(l.Value)
	}
}
