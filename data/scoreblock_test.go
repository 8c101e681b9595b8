package data

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// drawEntries draws entries of all kinds, with parts that a kind has no use for too.
func drawEntries(t *rapid.T, first uint64, most int) []rank.Entry {
	instant := rapid.OneOf(rapid.Int64(), rapid.Int64Range(1.7e12, 1.8e12), rapid.Just(int64(0)))
	number := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 100))
	board, text := rapid.SampledFrom([]string{"arcade", "chess"}), rapid.OneOf(rapid.Just(""), rapid.String())
	value := rapid.OneOf(rapid.Float64(), rapid.Map(rapid.IntRange(-1e6, 1e6), func(i int) float64 { return float64(i) }),
		rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1 << 53, -1 << 53, 1<<53 - 1, math.MaxFloat64, math.Inf(-1), math.SmallestNonzeroFloat64}))
	sub := rapid.Custom(func(t *rapid.T) metrics.Sub {
		return metrics.Sub{Name: text.Draw(t, "sub"), Value: value.Draw(t, "value")}
	})
	attribute := rapid.Custom(func(t *rapid.T) metrics.Label {
		return metrics.Label{Name: text.Draw(t, "attribute"), Value: text.Draw(t, "value")}
	})
	entries := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) rank.Entry {
		return rank.Entry{
			Kind: rank.Kind(rapid.ByteRange(byte(rank.Joined), byte(rank.Thawed)).Draw(t, "kind")), Board: board.Draw(t, "board"),
			Received: instant.Draw(t, "received"), At: instant.Draw(t, "at"), Player: rapid.Uint32().Draw(t, "player"),
			Value: value.Draw(t, "value"), Subs: rapid.SliceOfN(sub, 0, 3).Draw(t, "subs"),
			Previous: number.Draw(t, "previous"), Target: number.Draw(t, "target"),
			ID: text.Draw(t, "id"), Name: text.Draw(t, "name"), Attributes: rapid.SliceOfN(attribute, 0, 3).Draw(t, "attributes"),
			By: text.Draw(t, "by"), Reason: text.Draw(t, "reason"),
		}
	}), 1, most).Draw(t, "entries")
	for i := range entries {
		e := &entries[i]
		e.Number, e.Subs, e.Attributes = first+uint64(i), nilIfEmpty(e.Subs), nilIfEmpty(e.Attributes)
	}
	return entries
}

func nilIfEmpty[S ~[]E, E any](s S) S {
	if len(s) == 0 {
		return nil
	}
	return s
}

// bitwise tells -0 from 0 and finds a NaN equal to itself.
var bitwise = cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })

func TestScoreBlockRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Range(1, 1<<40).Draw(t, "first")
		want := drawEntries(t, first, 20)
		payload, err := encodeScores(want)
		must(t, err)
		got, err := decodeScores(payload, first)
		must(t, err)
		if diff := cmp.Diff(want, got, bitwise); diff != "" {
			t.Fatalf("entries (-want +got):\n%s", diff)
		}
	})
}

func TestScoreBlockKeepsEveryBitOfANumber(t *testing.T) {
	for _, want := range []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), 1 << 53, 1<<53 - 1, 0.1, -7} {
		payload, err := encodeScores([]rank.Entry{{Number: 1, Kind: rank.Scored, Value: want, Subs: []metrics.Sub{{Name: "a", Value: want}}}})
		must(t, err)
		got, err := decodeScores(payload, 1)
		must(t, err)
		if bits := math.Float64bits(want); math.Float64bits(got[0].Value) != bits || math.Float64bits(got[0].Subs[0].Value) != bits {
			t.Errorf("got %v and %v, want %v", got[0].Value, got[0].Subs[0].Value, want)
		}
	}
}

func TestScoreBlockOfAPlainScoreIsSmall(t *testing.T) {
	entries := scoresFrom(1, maxRowEntries)
	payload, err := encodeScores(entries)
	must(t, err)
	if perScore := len(payload) / len(entries); perScore > 12 {
		t.Errorf("a score takes %d bytes, want at most 12", perScore)
	}
}

func TestEncodeScoresRefusesWhatCouldNotBeRead(t *testing.T) {
	if _, err := encodeScores([]rank.Entry{{Number: 1, Reason: strings.Repeat("x", maxPlainBytes)}}); err == nil {
		t.Error("got no error for an entry beyond all bounds")
	}
}

func TestDecodeScoresTellsWhatIsWrong(t *testing.T) {
	good, err := encodeScores([]rank.Entry{{Number: 1, Kind: rank.Scored, Board: "a", Value: 3}})
	must(t, err)
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-1] ^= 1
	scores := func(plain ...byte) []byte { return pack(scoreFormat, plain) }
	one := []byte{1, 1, 'a', 1, 3, 1, 0, 2, 0, 6} // one text, one entry: a score of 3
	tests := []struct {
		name    string
		payload []byte
		want    string
	}{
		{"empty", nil, "begin"},
		{"a group of samples", encodeGroup([]entry{{1, 2, 3}}), "begin"},
		{"flipped bit", flipped, "checksum"},
		{"nothing inside", scores(), "ends before its first entry"},
		{"more texts than bytes", scores(9, 1, 'a'), "ends before its first entry"},
		{"text longer than the block", scores(1, 200, 1, 'a'), "ends before its first entry"},
		{"more entries than bytes", scores(0, 9, 1, 2), "ends before its first entry"},
		{"more entries than a row has", scores(append(binary.AppendUvarint([]byte{0}, maxRowEntries+1), make([]byte, 5*(maxRowEntries+1))...)...), "a row of 1025 entries is out of bounds"},
		{"cut in an entry", scores(one[:len(one)-1]...), "entry 1 is torn"},
		{"unknown text", scores(1, 1, 'a', 1, 3, 1, 1, 2, 0, 6), "entry 1 is torn"},
		{"player out of range", scores(append([]byte{1, 1, 'a', 1, 3, 0, 0, 2}, binary.AppendUvarint(nil, 1<<32)...)...), "entry 1 is torn"},
		{"more sub-scores than bytes", scores(1, 1, 'a', 1, 3, 16, 0, 2, 0, 9), "entry 1 is torn"},
		{"bytes after the end", scores(append(one, 7)...), "1 bytes too many"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := decodeScores(tt.payload, 1); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v and error %v, want an error with %q", got, err, tt.want)
			}
		})
	}
	if got, err := decodeScores(scores(one...), 1); err != nil || len(got) != 1 || got[0].Value != 3 || got[0].Board != "a" {
		t.Errorf("got %+v and error %v from the block that the cases are cut from, want a score of 3", got, err)
	}
}

// FuzzScores reads the bytes both as a payload and as the inside of a block with a right checksum.
func FuzzScores(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 1, 'a', 1, 3, 1, 0, 2, 0, 6})
	payload, err := encodeScores([]rank.Entry{{
		Number: 1, Kind: rank.Joined, Board: "a", ID: "ada", Name: "Ada", Value: 0.5, At: 9, Target: 1, Previous: 1, By: "local", Reason: "why",
		Subs: []metrics.Sub{{Name: "deaths", Value: 3}}, Attributes: metrics.Labels{{Name: "team", Value: "red"}},
	}})
	must(f, err)
	plain, err := unpack(nil, scoreFormat, payload)
	must(f, err)
	f.Add(payload)
	f.Add(plain)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, payload := range [][]byte{data, pack(scoreFormat, data)} {
			entries, err := decodeScores(payload, 1)
			if err != nil {
				continue
			}
			again, err := encodeScores(entries)
			must(t, err)
			got, err := decodeScores(again, 1)
			if diff := cmp.Diff(entries, got, bitwise, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("error %v, entries (-want +got):\n%s", err, diff)
			}
		}
	})
}
