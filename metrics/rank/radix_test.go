package rank

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSortByKeyIsStable(t *testing.T) {
	key := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 3), rapid.Map(rapid.Uint64Range(0, 3), func(k uint64) uint64 { return k << 56 }))
	rapid.Check(t, func(t *rapid.T) {
		var items []item
		for i, k := range rapid.SliceOfN(key, 0, 50).Draw(t, "keys") {
			items = append(items, item{k, uint32(i)})
		}
		want := slices.Clone(items)
		slices.SortStableFunc(want, func(a, b item) int { return cmp.Compare(a.key, b.key) })
		sortByKey(items)
		if !slices.Equal(items, want) {
			t.Fatalf("got %v, want %v", items, want)
		}
	})
}

// BenchmarkSortByKey sorts a million items by bytes, and beside that by comparing.
func BenchmarkSortByKey(b *testing.B) {
	unsorted := draw(field(1_000_000), 1, 1_000_000).items
	items := slices.Clone(unsorted)
	b.Run("bytes", func(b *testing.B) {
		for b.Loop() {
			copy(items, unsorted)
			sortByKey(items)
		}
	})
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			copy(items, unsorted)
			slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.key, b.key) })
		}
	})
}
