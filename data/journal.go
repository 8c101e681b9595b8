package data

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A journal payload, see pack, holds the group by columns, because like compresses best beside like: the
// count as uvarint, each sample's series id and then each sample's time as varint of the difference to the
// one before, and the values' IEEE 754 bits as eight planes of bytes, the highest bytes first.
const (
	journalFormat   = 1
	maxGroupSamples = 1 << 20
)

// entry is one sample of a group in the journal.
type entry struct {
	series int64
	at     int64
	value  float64
}

// encodeGroup returns the payload of entries.
func encodeGroup(entries []entry) []byte {
	plain := binary.AppendUvarint(make([]byte, 0, 12*len(entries)+binary.MaxVarintLen64), uint64(len(entries)))
	var last entry
	for _, e := range entries {
		plain = binary.AppendVarint(plain, e.series-last.series)
		last = e
	}
	last = entry{}
	for _, e := range entries {
		plain = binary.AppendVarint(plain, e.at-last.at)
		last = e
	}
	return pack(journalFormat, appendPlanes(plain, entries))
}

func appendPlanes(plain []byte, entries []entry) []byte {
	n := len(entries)
	start := len(plain)
	plain = append(plain, make([]byte, 8*n)...)
	planes := plain[start:]
	for i, e := range entries {
		bits := math.Float64bits(e.value)
		for p := range 8 {
			planes[p*n+i] = byte(bits >> (56 - 8*p))
		}
	}
	return plain
}

// decodeGroup returns the entries of payload. Any bytes are safe to decode.
func decodeGroup(payload []byte) ([]entry, error) {
	plain, err := unpack(nil, journalFormat, payload)
	if err != nil {
		return nil, err
	}
	n, size := binary.Uvarint(plain)
	if size <= 0 || n > maxGroupSamples {
		return nil, fmt.Errorf("a group of %d samples is out of bounds", n)
	}
	entries := make([]entry, n)
	rest, err := deltas(plain[size:], entries, func(e *entry) *int64 { return &e.series })
	if err != nil {
		return nil, err
	}
	if rest, err = deltas(rest, entries, func(e *entry) *int64 { return &e.at }); err != nil {
		return nil, err
	}
	return entries, planes(rest, entries)
}

// deltas reads one column of differences into the field of each entry, and returns the rest.
func deltas(plain []byte, entries []entry, field func(*entry) *int64) ([]byte, error) {
	var last int64
	for i := range entries {
		d, size := binary.Varint(plain)
		if size <= 0 {
			return nil, fmt.Errorf("it ends at sample %d of %d", i+1, len(entries))
		}
		last += d
		*field(&entries[i]) = last
		plain = plain[size:]
	}
	return plain, nil
}

func planes(plain []byte, entries []entry) error {
	n := len(entries)
	if len(plain) != 8*n {
		return fmt.Errorf("it has %d bytes of values for %d samples", len(plain), n)
	}
	for i := range entries {
		var bits uint64
		for p := range 8 {
			bits = bits<<8 | uint64(plain[p*n+i])
		}
		entries[i].value = math.Float64frombits(bits)
	}
	return nil
}
