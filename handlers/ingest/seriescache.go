package ingest

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"liveboard/metrics"
)

// cachedSeries bounds each of the two generations of a seriesCache.
const cachedSeries = 100_000

// seriesCache knows series by the bytes that senders spell their labels with, so that a series which is known costs one
// look-up: no labels are checked, sorted and joined for it. What has not been looked up during a whole generation is
// forgotten. It is safe for concurrent use.
type seriesCache struct {
	seeds [2]maphash.Seed

	mu         sync.RWMutex
	young, old map[spelling]*spelt
}

// spelling is 128 bits of a hash under random seeds, which nobody can find another text for; it takes less memory, and less
// of the processor's cache, than the text.
type spelling [2]uint64

// spelt is a known series.
type spelt struct {
	spelling
	series metrics.Series
	next   atomic.Pointer[spelt] // what followed it in a request; nil once it is forgotten
}

func newSeriesCache() *seriesCache {
	return &seriesCache{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, young: make(map[spelling]*spelt)}
}

// after returns the series that is spelt so, which read finds out where it is not known. It follows prev in its request.
// Senders bring their series in the same order every time, so it is most likely the one that followed prev before. That guess
// spares the map, whose misses of the processor's cache are most of the cost of a look-up.
func (c *seriesCache) after(prev *spelt, text []byte, read func(text []byte) (metrics.Series, error)) (*spelt, error) {
	key := spelling{maphash.Bytes(c.seeds[0], text), maphash.Bytes(c.seeds[1], text)}
	if next := prev.next.Load(); next != nil && next.spelling == key {
		return next, nil
	}
	s := c.find(key)
	if s == nil {
		series, err := read(text)
		if err != nil {
			return nil, err
		}
		s = c.put(&spelt{spelling: key, series: series})
	}
	prev.next.Store(s)
	return s, nil
}

func (c *seriesCache) find(key spelling) *spelt {
	c.mu.RLock()
	s := c.young[key]
	old := c.old[key]
	c.mu.RUnlock()
	if s == nil && old != nil {
		s = c.put(old)
	}
	return s
}

// put makes s known, unless somebody has been faster, and returns what is known.
func (c *seriesCache) put(s *spelt) *spelt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.young[s.spelling]; known != nil {
		return known
	}
	if len(c.young) >= cachedSeries {
		for key, forgotten := range c.old {
			if c.young[key] == nil {
				forgotten.next.Store(nil) // or one that is known would hold on to all that followed
			}
		}
		c.young, c.old = make(map[spelling]*spelt), c.young
	}
	c.young[s.spelling] = s
	return s
}
