package rank

import (
	"pgregory.net/rapid"
)

// check holds that the tree is one: balanced, counted, its separators exact and its nodes neither full nor
// nearly empty.
func (t *tree) check(tb rapid.TB) {
	tb.Helper()
	if got := t.root.check(tb, t, true); got != t.count {
		tb.Fatalf("the tree holds %d items, its count is %d", got, t.count)
	}
	t.root.height(tb)
}

// sorted holds that every item is less than the next.
func (t *tree) sorted(tb rapid.TB) {
	tb.Helper()
	var before item
	for place := 0; place < t.count; {
		keys, slots := t.leaf(place)
		for i, key := range keys {
			it := item{key, slots[i]}
			if place > 0 && (before.key > key || before.key == key && t.equals(before.slot, it.slot) >= 0) {
				tb.Fatalf("%v stands before %v", before, it)
			}
			before = it
			place++
		}
	}
}

func (n branch) check(tb rapid.TB, t *tree, root bool) int {
	tb.Helper()
	if n.n >= nodeCap || !root && n.n < nodeMin {
		tb.Fatalf("a node has %d entries", n.n)
	}
	for _, key := range n.keys[n.n:] {
		if key != unused {
			tb.Fatalf("key %d stands behind the %d entries of a node", key, n.n)
		}
	}
	if n.sub == nil {
		return int(n.n)
	}
	size := 0
	for i, child := range n.sub.branches[:n.n] {
		count := child.check(tb, t, false)
		if count != int(n.sub.counts[i]) {
			tb.Fatalf("a subtree holds %d items, its count is %d", count, n.sub.counts[i])
		}
		if n.keys[i] != child.keys[0] || n.slots[i] != child.slots[0] {
			tb.Fatal("a separator is not the first item of its subtree")
		}
		size += count
	}
	for _, child := range n.sub.branches[n.n:] {
		if child.node != nil {
			tb.Fatal("a node is kept that is no longer in the tree")
		}
	}
	return size
}

func (n branch) height(tb rapid.TB) int {
	tb.Helper()
	if n.sub == nil {
		return 0
	}
	height := n.sub.branches[0].height(tb)
	for _, child := range n.sub.branches[1:n.n] {
		if child.height(tb) != height {
			tb.Fatal("leaves are not all on one level")
		}
	}
	return height + 1
}
