package rank

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"liveboard/metrics"
)

// row is what a slot stands for: scores and tie-breakers of few values, so that many are equal.
type row struct {
	item
	tie    int
	number uint32
}

// naive is an order as a sorted slice, beside the rows by slot. Slots and numbers have nothing to do with each other.
type naive struct {
	rows   []row    // by slot, in or out
	sorted []uint32 // the slots that are in
}

func (m *naive) breaks(a, b uint32) int      { return cmp.Compare(m.rows[a].tie, m.rows[b].tie) }
func (m *naive) number(slot uint32) uint32   { return m.rows[slot].number }
func (m *naive) order(t metrics.Ties) *order { return newOrder(t, m.breaks, m.number) }

func newNaive(slots int) *naive {
	m := &naive{rows: make([]row, slots)}
	for i := range m.rows {
		m.rows[i] = row{item{slot: uint32(i)}, 0, uint32(i*7) % uint32(slots)}
	}
	return m
}

func compareScores(a, b row) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.tie, b.tie))
}

func compareRows(a, b row) int {
	return cmp.Or(compareScores(a, b), cmp.Compare(a.number, b.number))
}

func (m *naive) place(r row) (i int, in bool) {
	return slices.BinarySearchFunc(m.sorted, r, func(slot uint32, r row) int { return compareRows(m.rows[slot], r) })
}

func (m *naive) insert(r row) {
	m.rows[r.slot] = r
	i, _ := m.place(r)
	m.sorted = slices.Insert(m.sorted, i, r.slot)
}

func (m *naive) remove(slot uint32) bool {
	i, in := m.place(m.rows[slot])
	if in {
		m.sorted = slices.Delete(m.sorted, i, i+1)
	}
	return in
}

// ranks counts as the ways to number ties are defined.
func (m *naive) ranks(ties metrics.Ties) []int {
	ranks := make([]int, len(m.sorted))
	for i, slot := range m.sorted {
		switch tied := i > 0 && compareScores(m.rows[m.sorted[i-1]], m.rows[slot]) == 0; {
		case ties == metrics.Ordinal || i == 0:
			ranks[i] = i + 1
		case tied:
			ranks[i] = ranks[i-1]
		case ties == metrics.Dense:
			ranks[i] = ranks[i-1] + 1
		default:
			ranks[i] = i + 1
		}
	}
	return ranks
}

// agrees holds o to the model in every question it answers, asked about a few places.
func (m *naive) agrees(t *rapid.T, o *order) {
	o.all.check(t)
	if o.len() != len(m.sorted) {
		t.Fatalf("got %d slots, want %d", o.len(), len(m.sorted))
	}
	ranks := m.ranks(o.ties)
	if o.groups != nil {
		o.groups.check(t)
		if n := len(slices.Compact(slices.Clone(ranks))); o.groups.count != n {
			t.Fatalf("got %d groups of equals, want %d", o.groups.count, n)
		}
	}
	if len(ranks) == 0 {
		return
	}
	for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(ranks)-1), 1, 5).Draw(t, "places") {
		r := m.rows[m.sorted[i]]
		better := slices.IndexFunc(m.sorted, func(slot uint32) bool { return compareScores(m.rows[slot], r) == 0 })
		if got := [...]int{o.rank(r.item), o.position(r.item), o.better(r.item)}; got != [...]int{ranks[i], i, better} {
			t.Fatalf("got rank, position and better %v, want %v", got, [...]int{ranks[i], i, better})
		}
		if o.at(i) != r.item {
			t.Fatalf("got %v at %d, want %v", o.at(i), i, r.item)
		}
	}
	m.agreesFrom(t, o, ranks, rapid.IntRange(0, len(ranks)).Draw(t, "from"))
}

func (m *naive) agreesFrom(t *rapid.T, o *order, ranks []int, position int) {
	i, end := position, position+rapid.IntRange(0, 300).Draw(t, "n")
	for slot, rank := range o.from(position) {
		if i == end {
			return
		}
		if slot != m.sorted[i] || rank != ranks[i] {
			t.Fatalf("got slot %d with rank %d at %d, want slot %d with rank %d", slot, rank, i, m.sorted[i], ranks[i])
		}
		i++
	}
	if i != len(ranks) {
		t.Fatalf("from %d ended before %d of %d", position, i, len(ranks))
	}
}

// Whatever is inserted, removed and loaded, an order answers as a sorted slice does.
func TestOrderEqualsASortedSlice(t *testing.T) {
	const slots = 4500
	rapid.Check(t, func(t *rapid.T) {
		m := newNaive(slots)
		ties := rapid.SampledFrom([]metrics.Ties{metrics.Competition, metrics.Dense, metrics.Ordinal}).Draw(t, "ties")
		spread := rapid.SampledFrom([]uint64{1, 5, 300, 1 << 40}).Draw(t, "spread")
		o := m.order(ties)
		for slot := range rapid.SampledFrom([]uint32{0, slots / 2, slots}).Draw(t, "at first") {
			r := m.rows[slot]
			r.key, r.tie = uint64(slot)*2654435761%spread, int(slot%3)
			m.insert(r)
			o.insert(r.item)
		}
		// A run of slots takes part at once, so that nodes split and join within a short test.
		run := func(t *rapid.T, do func(slot uint32, seed uint64)) {
			from, n := rapid.IntRange(0, slots-1).Draw(t, "slot"), rapid.IntRange(1, 400).Draw(t, "n")
			seed := rapid.Uint64Range(0, 1000).Draw(t, "seed")
			for slot := from; slot < min(from+n, slots); slot++ {
				do(uint32(slot), seed+uint64(slot))
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				run(t, func(slot uint32, seed uint64) {
					r := m.rows[slot]
					if _, in := m.place(r); in {
						return
					}
					r.key, r.tie = seed*2654435761%spread, int(seed%3)
					m.insert(r)
					o.insert(r.item)
				})
			},
			"remove": func(t *rapid.T) {
				run(t, func(slot uint32, _ uint64) {
					want := m.remove(slot)
					if got := o.remove(m.rows[slot].item); got != want {
						t.Fatalf("got removed %v, want %v", got, want)
					}
				})
			},
			"load": func(t *rapid.T) {
				var items []item
				for _, slot := range m.sorted {
					items = append(items, m.rows[slot].item)
				}
				slices.Reverse(items)
				o = m.order(ties)
				o.load(items)
			},
			"fill": func(t *rapid.T) {
				from := o
				o = m.order(ties)
				o.fill(from)
				for _, slot := range m.sorted { // which the copy must not feel
					from.remove(m.rows[slot].item)
				}
			},
			"": func(t *rapid.T) { m.agrees(t, o) },
		})
		o.all.sorted(t)
	})
}

func TestKeysSortAsScoresDo(t *testing.T) {
	sorted := []float64{math.Inf(-1), -math.MaxFloat64, -1.5, -1, -5e-324, 0, 5e-324, 1, 1.5, math.MaxFloat64, math.Inf(1)}
	for _, by := range []metrics.Order{metrics.Asc, metrics.Desc} {
		keys := make([]uint64, len(sorted))
		for i, v := range sorted {
			keys[i] = keyOf(v, by)
			if keys[i] == unused {
				t.Errorf("%s: the key of %v marks entries that are unused", by, v)
			}
		}
		if by == metrics.Desc {
			slices.Reverse(keys)
		}
		if !slices.IsSorted(keys) || len(slices.Compact(keys)) != len(sorted) {
			t.Errorf("%s: got keys %x, want them sorted and distinct", by, keys)
		}
		if keyOf(math.Copysign(0, -1), by) != keyOf(0, by) {
			t.Errorf("%s: -0 and 0 have different keys", by)
		}
	}
}

func TestRanksNumberTiesByTheBook(t *testing.T) {
	scores := []float64{9, 7, 7, 7, 4}
	tests := []struct {
		ties metrics.Ties
		want []int
	}{
		{metrics.Competition, []int{1, 2, 2, 2, 5}},
		{metrics.Dense, []int{1, 2, 2, 2, 3}},
		{metrics.Ordinal, []int{1, 2, 3, 4, 5}},
	}
	for _, tt := range tests {
		t.Run(string(tt.ties), func(t *testing.T) {
			o := newOrder(tt.ties, nil, nil)
			for i, score := range scores {
				o.insert(item{keyOf(score, metrics.Desc), uint32(i)})
			}
			var got []int
			for slot, rank := range o.from(0) {
				got = append(got, rank)
				if alone := o.rank(item{keyOf(scores[slot], metrics.Desc), slot}); alone != rank {
					t.Errorf("slot %d: got rank %d, and %d in the standings", slot, alone, rank)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got ranks %v, want %v", got, tt.want)
			}
		})
	}
}

// Rank and walk stand on every page and every submission: they leave nothing to the garbage collector.
func TestAsksAllocateNothing(t *testing.T) {
	for _, ties := range []metrics.Ties{metrics.Competition, metrics.Dense, metrics.Ordinal} {
		o := newOrder(ties, nil, nil)
		items := field(10_000)
		o.load(items)
		n := testing.AllocsPerRun(100, func() {
			if o.rank(items[0]) == 0 || take(o, 5000, 100) == 0 {
				t.Error("got no rank")
			}
		})
		if n != 0 {
			t.Errorf("%s: got %v allocations, want none", ties, n)
		}
	}
}

// However players come, the order takes no more than it promises.
func TestOrderTakesFewBytesAPlayer(t *testing.T) {
	const players = 60_000
	tests := []struct {
		name string
		key  func(i int) uint64
	}{
		{"rising", func(i int) uint64 { return uint64(i) }},
		{"falling", func(i int) uint64 { return uint64(players - i) }},
		{"equal", func(int) uint64 { return 1 }},
		{"random", func(i int) uint64 { return uint64(i) * 0x9E3779B97F4A7C15 >> 1 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := heap()
			o := newOrder(metrics.Dense, nil, nil)
			for i := range players {
				o.insert(item{tt.key(i), uint32(i)})
			}
			if got := float64(heap()-before) / players; got > 40 {
				t.Errorf("got %.1f bytes a player, groups of equals included; want 40 at most", got)
			}
			if o.len() != players {
				t.Errorf("got %d players", o.len())
			}
		})
	}
}
