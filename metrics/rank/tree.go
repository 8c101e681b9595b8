package rank

// tree is a counted B+tree of items: every inner node knows how many items each of its subtrees
// holds, so that a place is found from an item, and an item from a place, in one walk down.
// It takes about 16 bytes an item.
type tree struct {
	root  branch
	count int
	// equals compares the slots of two items with equal keys. Items of a tree are never equal.
	equals func(a, b uint32) int
}

// item is a slot of a tree and the key by which it is sorted.
type item struct {
	key  uint64
	slot uint32
}

func newTree(equals func(a, b uint32) int) *tree {
	return &tree{root: newBranch(false), equals: equals}
}

// below returns how many items are less than it by key and then by equals, which need not tell all
// items apart. It itself need not be in the tree.
func (t *tree) below(it item, equals func(a, b uint32) int) int {
	n, place := t.root, 0
	for n.sub != nil {
		i := max(n.search(it, equals, 0)-1, 0)
		for _, count := range n.sub.counts[:i] {
			place += int(count)
		}
		n = n.sub.branches[i]
	}
	return place + n.search(it, equals, 0)
}

// find returns the item of the tree that is the same by key and equals; ok is false where there is none.
func (t *tree) find(it item) (found item, ok bool) {
	n, i := t.root, 0
	for {
		i = n.search(it, t.equals, 1) - 1
		if i < 0 {
			return item{}, false
		}
		if n.sub == nil {
			break
		}
		n = n.sub.branches[i]
	}
	found = item{n.keys[i], n.slots[i]}
	return found, found.key == it.key && t.equals(found.slot, it.slot) == 0
}

// leaf returns the items from a place, 0 to count-1, to the end of their leaf.
func (t *tree) leaf(place int) (keys []uint64, slots []uint32) {
	n := t.root
	for n.sub != nil {
		i := 0
		for place >= int(n.sub.counts[i]) {
			place -= int(n.sub.counts[i])
			i++
		}
		n = n.sub.branches[i]
	}
	return n.keys[place:n.n], n.slots[place:n.n]
}

// at returns the item at a place, from 0 to count-1.
func (t *tree) at(place int) item {
	keys, slots := t.leaf(place)
	return item{keys[0], slots[0]}
}

// insert adds an item that is not in the tree.
func (t *tree) insert(it item) {
	t.insertBelow(t.root, it)
	t.count++
	if t.root.n == nodeCap {
		root := newBranch(true)
		root.n = 1
		root.put(0, t.root)
		root.balance(0)
		t.root = root
	}
}

func (t *tree) insertBelow(n branch, it item) {
	i := n.search(it, t.equals, 0)
	if n.sub == nil {
		n.open(i, 1)
		n.keys[i], n.slots[i] = it.key, it.slot
		return
	}
	i = max(i-1, 0)
	t.insertBelow(n.sub.branches[i], it)
	n.changed(i, 1)
}

// remove takes an item out, and reports whether it was there.
func (t *tree) remove(it item) bool {
	if !t.removeBelow(t.root, it) {
		return false
	}
	t.count--
	for t.root.sub != nil && t.root.n == 1 {
		t.root = t.root.sub.branches[0]
	}
	return true
}

func (t *tree) removeBelow(n branch, it item) bool {
	i := n.search(it, t.equals, 1) - 1
	if i < 0 {
		return false
	}
	if n.sub == nil {
		if n.keys[i] != it.key || n.slots[i] != it.slot {
			return false
		}
		n.close(i, 1)
		return true
	}
	if !t.removeBelow(n.sub.branches[i], it) {
		return false
	}
	n.changed(i, -1)
	return true
}

// changed takes note that child i has so many items more, and mends it.
func (n branch) changed(i, more int) {
	c := n.sub.branches[i]
	n.sub.counts[i] += uint32(more) // wraps around for what is less
	n.keys[i], n.slots[i] = c.keys[0], c.slots[0]
	if c.n == nodeCap || c.n < nodeMin {
		n.balance(i)
	}
}

// loadFill is how full load leaves nodes: room for some inserts, and few bytes in vain.
const loadFill = nodeCap * 7 / 8

// load fills an empty tree with sorted items.
func (t *tree) load(items []item) {
	if len(items) == 0 {
		return
	}
	t.count = len(items)
	level := evenly(items, leafOf)
	for len(level) > 1 {
		level = evenly(level, innerOf)
	}
	t.root = level[0]
}

// fill puts the items of another tree into an empty one: copying nodes takes a fraction of what sorting does.
func (t *tree) fill(from *tree) {
	t.root, t.count = from.root.clone(), from.count
}

// evenly makes nodes of equal parts of entries, so that none is left with a few.
func evenly[E any](entries []E, build func([]E) branch) []branch {
	nodes := (len(entries) + loadFill - 1) / loadFill
	made := make([]branch, nodes)
	for i := range made {
		made[i] = build(entries[i*len(entries)/nodes : (i+1)*len(entries)/nodes])
	}
	return made
}

func leafOf(items []item) branch {
	n := newBranch(false)
	n.n = uint32(len(items))
	for i, it := range items {
		n.keys[i], n.slots[i] = it.key, it.slot
	}
	return n
}

func innerOf(children []branch) branch {
	n := newBranch(true)
	n.n = uint32(len(children))
	for i, child := range children {
		n.put(i, child)
	}
	return n
}
