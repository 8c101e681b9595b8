package data

import (
	"slices"
	"sync"

	"liveboard/metrics/rank"
)

// maxCachedBlocks bounds the memory of a scoreCache to about 16 MB and what the entries refer to.
const maxCachedBlocks = 64

// scoreCache holds the entries of the rows asked for last. Entries never change, so nothing in it ever
// becomes wrong, even when rows are merged. The zero scoreCache is empty and ready.
type scoreCache struct {
	mu     sync.Mutex
	blocks [][]rank.Entry // none is empty; the one asked for last is the first
}

// entry returns the entry of that number, if it is here.
func (c *scoreCache) entry(number uint64) (rank.Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.blocks, func(b []rank.Entry) bool { return number-b[0].Number < uint64(len(b)) })
	if i < 0 {
		return rank.Entry{}, false
	}
	b := c.blocks[i]
	copy(c.blocks[1:], c.blocks[:i])
	c.blocks[0] = b
	return b[number-b[0].Number], true
}

// put adds a block, in the place of the one that nobody has asked for the longest.
func (c *scoreCache) put(b []rank.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.blocks) < maxCachedBlocks {
		c.blocks = append(c.blocks, nil)
	}
	copy(c.blocks[1:], c.blocks)
	c.blocks[0] = b
}
