package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"liveboard/metrics"
)

// A block is a format byte, the CRC-32C of the rest, and the rest: its length as uvarint and then columns.
// A block of samples has a column of times and one of values. A bucket block is described in rollupblock.go.
const (
	samplesFormat = 1
	bucketsFormat = 2
	blockHeader   = 1 + crc32.Size

	// maxBlockLen bounds what a damaged length can make us allocate. A sample in each millisecond of the finest span has room.
	maxBlockLen = 1 << 23
)

func appendHeader(format byte, n int) []byte {
	block := append(make([]byte, 0, blockHeader+2*n+64), format, 0, 0, 0, 0)
	return binary.AppendUvarint(block, uint64(n))
}

// closeBlock puts the checksum in its place.
func closeBlock(block []byte) []byte {
	binary.LittleEndian.PutUint32(block[1:], crc32.Checksum(block[blockHeader:], castagnoli))
	return block
}

// openBlock returns the length and the columns of a block. Any bytes are safe to open.
func openBlock(format byte, block []byte) (n int, c *columns, err error) {
	if len(block) < blockHeader || block[0] != format {
		return 0, nil, errors.New("it does not begin as a block")
	}
	rest := block[blockHeader:]
	if crc32.Checksum(rest, castagnoli) != binary.LittleEndian.Uint32(block[1:]) {
		return 0, nil, errors.New("its checksum does not match")
	}
	c = &columns{rest: rest}
	length := c.uvarint()
	if length > maxBlockLen {
		return 0, nil, fmt.Errorf("a block of %d is out of bounds", length)
	}
	return int(length), c, c.err
}

// encodePoints returns the block of points, sorted by time.
func encodePoints(points []metrics.Point) []byte {
	times, values := make([]int64, len(points)), make([]float64, len(points))
	for i, p := range points {
		times[i], values[i] = p.At, p.Value
	}
	return closeBlock(appendValues(appendInts(appendHeader(samplesFormat, len(points)), times), values))
}

// decodePoints returns the points of a block.
func decodePoints(block []byte) ([]metrics.Point, error) {
	n, c, err := openBlock(samplesFormat, block)
	if err != nil {
		return nil, err
	}
	times, values, work := make([]int64, n), make([]float64, n), make([]int64, n)
	c.ints(times)
	c.values(values, work)
	if c.err != nil {
		return nil, c.err
	}
	points := make([]metrics.Point, n)
	for i := range points {
		if i > 0 && times[i] <= times[i-1] {
			return nil, fmt.Errorf("it goes back in time at sample %d", i+1)
		}
		points[i] = metrics.Point{At: times[i], Value: values[i]}
	}
	return points, nil
}
