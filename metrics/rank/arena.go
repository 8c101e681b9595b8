package rank

import (
	"encoding/binary"
	"unsafe"
)

// The blocks of an arena. A place in it counts in units of 4 bytes, so 32 bits reach 16 GiB.
const (
	blockBytes = 1 << 18
	unitBytes  = 4
)

// arena keeps short records of bytes close together, and lets the garbage collector pass them by. Bytes once written stay.
type arena struct {
	blocks [][]byte
	used   int // bytes of records, those included that nobody refers to any more
}

// add copies a record of two texts into the arena and returns its place.
func (a *arena) add(first, second string) uint32 {
	n := recordBytes(len(first), len(second))
	last := len(a.blocks) - 1
	if last < 0 || len(a.blocks[last])+n > blockBytes {
		a.blocks = append(a.blocks, a.block())
		last++
	}
	block := a.blocks[last]
	place := last*(blockBytes/unitBytes) + len(block)/unitBytes
	block = binary.AppendUvarint(block, uint64(len(first)))
	block = append(block, first...)
	block = binary.AppendUvarint(block, uint64(len(second)))
	block = append(block, second...)
	for len(block)%unitBytes != 0 {
		block = append(block, 0)
	}
	a.blocks[last] = block
	a.used += n
	return uint32(place)
}

// block returns an empty block. The first one grows, for small leaderboards.
func (a *arena) block() []byte {
	if len(a.blocks) == 0 {
		return nil
	}
	return make([]byte, 0, blockBytes)
}

// record returns the texts at a place. They keep the arena's block in memory.
func (a *arena) record(place uint32) (first, second string) {
	block := a.blocks[place/(blockBytes/unitBytes)]
	first, rest := text(block[place%(blockBytes/unitBytes)*unitBytes:])
	second, _ = text(rest)
	return first, second
}

// text returns the text that bytes begin with, and what follows it. It makes no copy: a page of 100
// players would be 200 of them, and bytes once written stay.
func text(bytes []byte) (text string, rest []byte) {
	n, size := binary.Uvarint(bytes)
	return unsafe.String(unsafe.SliceData(bytes[size:]), int(n)), bytes[size+int(n):]
}

// recordBytes is what a record of texts of these lengths takes.
func recordBytes(first, second int) int {
	n := textBytes(first) + textBytes(second)
	return (n + unitBytes - 1) / unitBytes * unitBytes
}

func textBytes(n int) int {
	var length [binary.MaxVarintLen64]byte
	return binary.PutUvarint(length[:], uint64(n)) + n
}
