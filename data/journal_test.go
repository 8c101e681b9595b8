package data

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"liveboard/metrics"
)

func TestGroupRoundTrips(t *testing.T) {
	number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(0, 100))
	rapid.Check(t, func(t *rapid.T) {
		group := rapid.SliceOf(rapid.Custom(func(t *rapid.T) entry {
			return entry{number.Draw(t, "series"), number.Draw(t, "at"), rapid.Float64().Draw(t, "value")}
		})).Draw(t, "group")
		got, err := decodeGroup(encodeGroup(group))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(group, got, cmp.AllowUnexported(entry{}), cmpopts.EquateEmpty(), cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("group (-want +got):\n%s", diff)
		}
	})
}

func TestGroupKeepsEveryBitOfAStaleMarker(t *testing.T) {
	got, err := decodeGroup(encodeGroup([]entry{{1, 2, metrics.StaleMarker()}}))
	if err != nil || len(got) != 1 || !metrics.IsStale(got[0].value) {
		t.Errorf("got %x and error %v, want the stale marker", math.Float64bits(got[0].value), err)
	}
}

// packed is the payload around plain bytes.
func packed(plain []byte) []byte { return pack(journalFormat, plain) }

// summed is the payload around a block, with its right checksum.
func summed(block []byte) []byte {
	payload := binary.LittleEndian.AppendUint32([]byte{journalFormat}, crc32.Checksum(block, castagnoli))
	return append(payload, block...)
}

func TestDecodeGroupTellsWhatIsWrong(t *testing.T) {
	good := encodeGroup([]entry{{1, 2, 3}})
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-1] ^= 1
	huge, torn := binary.AppendUvarint(nil, maxPlainBytes+1), []byte{5, 0xff}
	tests := []struct {
		name    string
		payload []byte
		want    string
	}{
		{"empty", nil, "begin"},
		{"other format", append([]byte{9}, good[1:]...), "begin"},
		{"flipped bit", flipped, "checksum"},
		{"no count", packed(nil), "out of bounds"},
		{"count too high", packed(binary.AppendUvarint(nil, maxGroupSamples+1)), "out of bounds"},
		{"cut in the series", packed([]byte{2, 0}), "sample 2 of 2"},
		{"cut in the times", packed([]byte{2, 0, 0, 0}), "sample 2 of 2"},
		{"cut in the values", packed([]byte{1, 0, 0, 1, 2, 3}), "3 bytes of values"},
		{"length too high", summed(huge), "out of bounds"},
		{"torn block", summed(torn), "unpack"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := decodeGroup(tt.payload); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v and error %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

// FuzzDecodeGroup reads the bytes both as a payload and as the inside of a block with a right checksum.
func FuzzDecodeGroup(f *testing.F) {
	f.Add([]byte{})
	f.Add(encodeGroup([]entry{{1, 2, 3}, {4, 5, 6}}))
	f.Add([]byte{2, 2, 2, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, payload := range [][]byte{data, packed(data)} {
			group, err := decodeGroup(payload)
			if err != nil {
				continue
			}
			again, err := decodeGroup(encodeGroup(group))
			if err != nil || len(again) != len(group) {
				t.Errorf("got %d entries and error %v, want the same %d", len(again), err, len(group))
			}
		}
	})
}
