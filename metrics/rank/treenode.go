package rank

import "math"

// nodeCap makes a node 760 bytes, for which the allocator has a size of 768, and is what search finds
// its way through in three rounds.
const nodeCap = 63

// The bounds within which nodes are kept; the root may have fewer entries.
const (
	nodeMin   = nodeCap / 3
	nodeShare = nodeCap - nodeCap/8 // a neighbour with fewer takes over from a full node, else the node splits
)

// unused is the key behind a node's entries: search does not look at their number.
const unused = math.MaxUint64

// node is the entries of a leaf, the items, or of an inner node, then the first item of each subtree, and that
// exactly: a separator left behind by an item that is gone could not be compared with.
// It has no pointers, so the garbage collector passes leaves by.
type node struct {
	n     uint32
	slots [nodeCap]uint32
	keys  [nodeCap]uint64
}

// branch is a node and what grows from it: nil from a leaf.
type branch struct {
	*node
	sub *subtrees
}

// subtrees are the children of an inner node, and how many items each holds.
type subtrees struct {
	branches [nodeCap]branch
	counts   [nodeCap]uint32
}

// newBranch returns an empty leaf, or an empty inner node.
func newBranch(inner bool) branch {
	b := branch{node: new(node)}
	b.vacate(0, nodeCap)
	if inner {
		b.sub = new(subtrees)
	}
	return b
}

// clone returns a copy of n and of all that grows from it.
func (n branch) clone() branch {
	c := branch{node: new(node)}
	*c.node = *n.node
	if n.sub == nil {
		return c
	}
	c.sub = new(subtrees)
	c.sub.counts = n.sub.counts
	for i, child := range n.sub.branches[:n.n] {
		c.sub.branches[i] = child.clone()
	}
	return c
}

// vacate marks the entries [from, to) as unused.
func (n *node) vacate(from, to int) {
	for i := range n.keys[from:to] {
		n.keys[from+i] = unused
	}
}

// below returns how many keys of n are less than key. Its three rounds ask for three keys each at
// once, whose cache misses overlap; a binary search would wait for one after the other.
func (n *node) below(key uint64) int {
	i := 16 * (less(n.keys[15], key) + less(n.keys[31], key) + less(n.keys[47], key))
	part := n.keys[i : i+15]
	j := 4 * (less(part[3], key) + less(part[7], key) + less(part[11], key))
	rest := part[j : j+3]
	return i + j + less(rest[0], key) + less(rest[1], key) + less(rest[2], key)
}

// less is 1 where a < b, else 0, without a jump that a processor could guess wrong.
func less(a, b uint64) (c int) {
	if a < b {
		c = 1
	}
	return c
}

// search returns how many of the first entries of n are less than it by key and then by equals. Those that
// are the same count too where within is 1, and do not where it is 0.
func (n *node) search(it item, equals func(a, b uint32) int, within int) int {
	low := n.below(it.key)
	if low == nodeCap || n.keys[low] != it.key {
		return low
	}
	// No other key is key+1 where this is the last, see unused.
	for high := n.below(it.key + 1); low < high; {
		if mid := (low + high) / 2; equals(n.slots[mid], it.slot) < within {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// size is the number of items in the subtree of n.
func (n branch) size() (size int) {
	if n.sub == nil {
		return int(n.n)
	}
	for _, count := range n.sub.counts[:n.n] {
		size += int(count)
	}
	return size
}

// open makes room for k entries before entry i.
func (n branch) open(i, k int) {
	copy(n.keys[i+k:], n.keys[i:n.n])
	copy(n.slots[i+k:], n.slots[i:n.n])
	if n.sub != nil {
		copy(n.sub.branches[i+k:], n.sub.branches[i:n.n])
		copy(n.sub.counts[i+k:], n.sub.counts[i:n.n])
	}
	n.n += uint32(k)
}

// close takes the k entries from entry i on away.
func (n branch) close(i, k int) {
	copy(n.keys[i:], n.keys[i+k:n.n])
	copy(n.slots[i:], n.slots[i+k:n.n])
	if n.sub != nil {
		copy(n.sub.branches[i:], n.sub.branches[i+k:n.n])
		copy(n.sub.counts[i:], n.sub.counts[i+k:n.n])
		clear(n.sub.branches[int(n.n)-k : n.n])
	}
	n.n -= uint32(k)
	n.vacate(int(n.n), int(n.n)+k)
}

// set copies the entries [from, to) of m over those of n from entry i on.
func (n branch) set(i int, m branch, from, to int) {
	copy(n.keys[i:], m.keys[from:to])
	copy(n.slots[i:], m.slots[from:to])
	if n.sub != nil {
		copy(n.sub.branches[i:], m.sub.branches[from:to])
		copy(n.sub.counts[i:], m.sub.counts[from:to])
	}
}

// shift moves the last k entries of a to the front of b, or for k < 0 the first -k of b to the end of a.
func shift(a, b branch, k int) {
	if k >= 0 {
		b.open(0, k)
		b.set(0, a, int(a.n)-k, int(a.n))
		a.close(int(a.n)-k, k)
		return
	}
	a.open(int(a.n), -k)
	a.set(int(a.n)+k, b, 0, -k)
	b.close(0, -k)
}

// put puts child in place i of the inner node n, with its count and its first item.
func (n branch) put(i int, child branch) {
	n.sub.branches[i] = child
	n.sub.counts[i] = uint32(child.size())
	n.keys[i], n.slots[i] = child.keys[0], child.slots[0]
}

// balance mends child i of the inner node n after it became full or nearly empty. Neighbours share
// before they split, which keeps leaves four fifths full.
func (n branch) balance(i int) {
	switch c := n.sub.branches[i]; {
	case c.n == nodeCap && i > 0 && n.sub.branches[i-1].n < nodeShare:
		n.share(i - 1)
	case c.n == nodeCap && i+1 < int(n.n) && n.sub.branches[i+1].n < nodeShare:
		n.share(i)
	case c.n == nodeCap:
		n.split(i)
	case c.n < nodeMin && n.n > 1:
		n.join(min(i, int(n.n)-2))
	}
}

// share evens out children i and i+1.
func (n branch) share(i int) {
	a, b := n.sub.branches[i], n.sub.branches[i+1]
	shift(a, b, (int(a.n)-int(b.n))/2)
	n.put(i, a)
	n.put(i+1, b)
}

// split moves half of child i into a new child behind it.
func (n branch) split(i int) {
	a := n.sub.branches[i]
	b := newBranch(a.sub != nil)
	shift(a, b, int(a.n)/2)
	n.open(i+1, 1)
	n.put(i, a)
	n.put(i+1, b)
}

// join makes children i and i+1 one, where that leaves room, and otherwise evens them out.
func (n branch) join(i int) {
	a, b := n.sub.branches[i], n.sub.branches[i+1]
	if a.n+b.n >= nodeShare {
		n.share(i)
		return
	}
	shift(a, b, -int(b.n))
	n.close(i+1, 1)
	n.put(i, a)
}
