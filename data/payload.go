package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

// A payload is a format byte, the CRC-32C of the rest, and an s2 block.
const (
	payloadHeader = 1 + crc32.Size
	maxPlainBytes = 32 << 20 // of a decoded block; bounds what a damaged length can make us allocate
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pack returns the payload of plain.
func pack(format byte, plain []byte) []byte {
	payload := make([]byte, payloadHeader+s2.MaxEncodedLen(len(plain)))
	block := s2.Encode(payload[payloadHeader:], plain)
	payload[0] = format
	binary.LittleEndian.PutUint32(payload[1:], crc32.Checksum(block, castagnoli))
	return payload[:payloadHeader+len(block)]
}

// unpack returns what pack was given, in buffer where it fits. Any bytes are safe to unpack.
func unpack(buffer []byte, format byte, payload []byte) ([]byte, error) {
	if len(payload) < payloadHeader || payload[0] != format {
		return nil, errors.New("it does not begin as a group")
	}
	block := payload[payloadHeader:]
	if crc32.Checksum(block, castagnoli) != binary.LittleEndian.Uint32(payload[1:]) {
		return nil, errors.New("its checksum does not match")
	}
	n, err := s2.DecodedLen(block)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	if n > maxPlainBytes {
		return nil, fmt.Errorf("a group of %d bytes is out of bounds", n)
	}
	plain, err := s2.Decode(buffer[:cap(buffer)], block)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return plain, nil
}
