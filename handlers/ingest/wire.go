package ingest

import (
	"encoding/binary"
	"iter"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"liveboard/metrics"
)

// field is one field of a protobuf message: https://protobuf.dev/programming-guides/encoding/
type field struct {
	number protowire.Number
	kind   protowire.Type
	bits   uint64 // of a number of any kind
	bytes  []byte // of text, bytes and messages: a part of the message that it stands in
}

// float is the field as a double.
func (f field) float() float64 { return math.Float64frombits(f.bits) }

// is reports whether the field has that number and kind. A field of another kind than its number has is one
// that is not known, and passed over.
func (f field) is(number protowire.Number, kind protowire.Type) bool {
	return f.number == number && f.kind == kind
}

// scanner takes the fields of a message one by one, without a copy. Its memory does not depend on what it reads.
type scanner struct {
	rest []byte
	err  error // of kind Invalid: what is left is no protobuf
}

var errBroken = metrics.Errorf(metrics.Invalid, "the body is no protobuf message of that type, or it is cut off")

// next returns the next field; ok is false at the end and after an error.
func (s *scanner) next() (f field, ok bool) {
	if len(s.rest) == 0 {
		return f, false
	}
	tag, n := uvarint(s.rest)
	f.number, f.kind = protowire.Number(tag>>3), protowire.Type(tag&7)
	if n <= 0 || tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
		return f, s.fail()
	}
	s.rest = s.rest[n:]
	switch f.kind {
	case protowire.VarintType:
		f.bits, n = uvarint(s.rest)
	case protowire.Fixed64Type:
		if n = 8; len(s.rest) >= n {
			f.bits = binary.LittleEndian.Uint64(s.rest)
		}
	case protowire.Fixed32Type:
		if n = 4; len(s.rest) >= n {
			f.bits = uint64(binary.LittleEndian.Uint32(s.rest))
		}
	case protowire.BytesType:
		var size uint64
		if size, n = uvarint(s.rest); n <= 0 || size > uint64(len(s.rest)-n) {
			return f, s.fail()
		}
		n += int(size)
		f.bytes = s.rest[n-int(size) : n]
	default: // groups, which no message here has
		return f, s.fail()
	}
	if n <= 0 || n > len(s.rest) {
		return f, s.fail()
	}
	s.rest = s.rest[n:]
	return f, true
}

func (s *scanner) fail() bool {
	s.rest, s.err = nil, errBroken
	return false
}

// uvarint is binary.Uvarint, faster for what has one byte, as most have.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return binary.Uvarint(b)
}

// packed returns the varints of a repeated field, which may stand in one field or each in its own.
func (f field) packed() iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		if f.kind == protowire.VarintType {
			yield(f.bits, nil)
			return
		}
		for rest := f.bytes; len(rest) > 0; {
			v, n := uvarint(rest)
			if n <= 0 {
				yield(0, errBroken)
				return
			}
			if rest = rest[n:]; !yield(v, nil) {
				return
			}
		}
	}
}
