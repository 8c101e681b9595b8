package press

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// Encoding is the content coding of a stream (RFC 9110, 8.4.1). Frames are encoded so that the bytes are the same
// for every viewer: each is a run of its own that may stand behind any other.
type Encoding uint8

// The encodings.
const (
	Identity Encoding = iota
	Gzip              // deflate runs (RFC 1951) behind one gzip header (RFC 1952); the stream has no trailer
	Zstd              // a zstd frame for each of ours (RFC 8878)

	Encodings // how many there are
)

// String returns the name of the coding as headers have it, "" for Identity.
func (e Encoding) String() string { return [Encodings]string{"", "gzip", "zstd"}[e] }

// Head returns what begins a stream, before its first frame. It must not be changed.
func (e Encoding) Head() []byte {
	if e == Gzip {
		return gzipHead
	}
	return nil
}

// gzipHead tells nothing: no name, no time, an unknown system.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

// window is how far back a deflate run may refer (RFC 1951, 3.2.5).
const window = 32 << 10

// deflateLevel is where a tick of 2 kB takes 16 µs; the levels above gain 1 % for twice that.
const deflateLevel = 6

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, deflateLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// deflate returns text as one run, ended by a sync flush so that the stream may go on behind it. It refers back into
// before, which must be what every reader has read last; without, the run stands for itself.
func deflate(text, before []byte) []byte {
	var b bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.ResetDict(&b, before[max(0, len(before)-window):])
	_, _ = w.Write(text) // to memory
	_ = w.Flush()
	w.ResetDict(nil, nil) // the pool keeps no text
	return b.Bytes()
}

// maxStored is the length of a stored block (RFC 1951, 3.2.4).
const maxStored = 1<<16 - 1

// store returns text as a deflate run that is not compressed: for what one viewer alone gets, the work is not worth it.
func store(text []byte) []byte {
	var b []byte
	for len(text) > 0 {
		block := text[:min(len(text), maxStored)]
		text = text[len(block):]
		b = append(b, 0) // not the last block, stored
		b = binary.LittleEndian.AppendUint16(b, uint16(len(block)))
		b = binary.LittleEndian.AppendUint16(b, ^uint16(len(block)))
		b = append(b, block...)
	}
	return b
}

// squeezer makes zstd frames; EncodeAll may be called at once from anywhere.
var squeezer = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil, zstd.WithWindowSize(64<<10), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return w
})

// Tail returns what ends a stream behind those frames, which are all there were in it. Streams that are read as they
// come need none.
func (e Encoding) Tail(frames []*Frame) []byte {
	if e != Gzip {
		return nil
	}
	sum, size := uint32(0), 0
	for _, f := range frames {
		sum, size = crc32.Update(sum, crc32.IEEETable, f.plain), size+len(f.plain)
	}
	b := []byte{1, 0, 0, 0xff, 0xff} // the last block, stored, of no bytes
	b = binary.LittleEndian.AppendUint32(b, sum)
	return binary.LittleEndian.AppendUint32(b, uint32(size))
}
