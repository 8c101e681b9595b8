package rank

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"liveboard/metrics"
)

// BenchmarkRank asks and changes the standings of a million and of ten million players, and beside that a sorted slice, a map
// and, where it is installed, Redis. A change gives a player another score.
func BenchmarkRank(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprintf("players=%dM", n/1_000_000), func(b *testing.B) {
			items := field(n)
			b.Run("order", func(b *testing.B) { benchmarkOrder(b, items) })
			b.Run("slice", func(b *testing.B) { benchmarkSlice(b, items) })
			if n > 1_000_000 {
				return // what follows takes too long
			}
			b.Run("map", func(b *testing.B) { benchmarkMap(b, items) })
			b.Run("redis", func(b *testing.B) { benchmarkRedis(b, items) })
			b.Run("table", func(b *testing.B) { benchmarkTable(b, items) })
		})
	}
}

// field returns the items of n players, sorted, some of them equal.
func field(n int) []item {
	items := make([]item, n)
	for i := range items {
		items[i] = item{keyOf(scoreOf(i), metrics.Desc), uint32(i)}
	}
	return items
}

// scoreOf is the score of the i-th in a field.
func scoreOf(i int) float64 { return -float64(i - i%3) }

// crowd returns n players with ids of 8 bytes and names of 12.
func crowd(n int) *players {
	p, red := newPlayers(false), team("red")
	for i := range n {
		p.add(fmt.Sprintf("p%07d", i), fmt.Sprintf("Player %05d", i%100_000), red)
	}
	return p
}

// drawn is how many items a ring has, so many that what one leaves in the caches is gone when its turn comes again.
const drawn = 1 << 20

// draw returns a ring of n items at random, or of all where there are fewer, none of them twice: it could not
// be taken out twice.
func draw(items []item, seed uint64, n int) *ring {
	r := rand.New(rand.NewPCG(seed, 0))
	shuffled := slices.Clone(items)
	n = min(n, len(items))
	for i := range n {
		j := i + r.IntN(len(items)-i)
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	return &ring{items: slices.Clone(shuffled[:n])}
}

// ring goes round and round through items.
type ring struct {
	items []item
	next  int
}

func (r *ring) turn() *item {
	r.next = (r.next + 1) % len(r.items)
	return &r.items[r.next]
}

// heap is the number of bytes in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// benchmarkTable builds order and players, and weighs both together. The row of a window comes on top.
func benchmarkTable(b *testing.B, items []item) {
	unsorted := slices.Clone(items)
	rand.New(rand.NewPCG(3, 0)).Shuffle(len(unsorted), func(i, j int) { unsorted[i], unsorted[j] = unsorted[j], unsorted[i] })
	before := heap()
	var o *order
	var p *players
	for b.Loop() {
		o, p = newOrder(metrics.Competition, nil, nil), crowd(len(items))
		o.load(slices.Clone(unsorted))
	}
	b.ReportMetric(float64(heap()-before)/float64(len(items)), "B/player")
	runtime.KeepAlive([]any{o, p, unsorted})
}

func benchmarkOrder(b *testing.B, items []item) {
	asked, targets := draw(items, 1, drawn), draw(items, 2, drawn)
	before := heap()
	o := newOrder(metrics.Competition, nil, nil)
	o.load(items)
	b.Run("rank", func(b *testing.B) {
		for b.Loop() {
			o.rank(*asked.turn())
		}
	})
	b.Run("top100", func(b *testing.B) {
		for b.Loop() {
			take(o, 0, 100)
		}
	})
	b.Run("around10", func(b *testing.B) {
		for b.Loop() {
			take(o, max(o.position(*asked.turn())-10, 0), 21)
		}
	})
	b.Run("change", func(b *testing.B) {
		for b.Loop() {
			it := asked.turn()
			o.remove(*it)
			it.key = targets.turn().key
			o.insert(*it)
		}
		b.ReportMetric(float64(heap()-before)/float64(len(items)), "B/player")
	})
}

// take walks over n slots from a position on.
func take(o *order, position, n int) (sum int) {
	for slot, rank := range o.from(position) {
		sum += int(slot) ^ rank
		if n--; n == 0 {
			break
		}
	}
	return sum
}

// benchmarkSlice keeps the standings sorted in a slice.
func benchmarkSlice(b *testing.B, items []item) {
	sorted := slices.Clone(items)
	find := func(it item) int {
		i, _ := slices.BinarySearchFunc(sorted, it, compareItems)
		return i
	}
	asked, targets := draw(items, 1, drawn), draw(items, 2, drawn)
	b.Run("rank", func(b *testing.B) {
		for b.Loop() {
			find(item{key: asked.turn().key})
		}
	})
	b.Run("change", func(b *testing.B) {
		for b.Loop() {
			it := asked.turn()
			from := find(*it)
			it.key = targets.turn().key
			to := find(*it)
			if from < to {
				to--
				copy(sorted[from:to], sorted[from+1:])
			} else {
				copy(sorted[to+1:from+1], sorted[to:])
			}
			sorted[to] = *it
		}
	})
}

func compareItems(a, b item) int {
	if a.key != b.key {
		return cmp.Compare(a.key, b.key)
	}
	return cmp.Compare(a.slot, b.slot)
}

// benchmarkMap keeps scores by player, and sorts all of them when somebody asks.
func benchmarkMap(b *testing.B, items []item) {
	scores := make(map[uint32]uint64, len(items))
	for _, it := range items {
		scores[it.slot] = it.key
	}
	b.Run("top100", func(b *testing.B) {
		for b.Loop() {
			all := make([]item, 0, len(scores))
			for slot, key := range scores {
				all = append(all, item{key, slot})
			}
			slices.SortFunc(all, compareItems)
		}
	})
}
