package metrics

import (
	"cmp"
	"maps"
	"strings"
	"sync"
)

// Limits of a Catalog.
const (
	maxAbouts    = 20_000
	maxHelpBytes = 1000
)

// About is what senders say of a metric. It lives in memory: who sends it says it again.
type About struct {
	Type string // counter, gauge, histogram, summary and others, or unknown
	Unit string
	Help string
}

// Catalog knows what was said of metrics. It is safe for concurrent use. A nil Catalog learns nothing.
type Catalog struct {
	mu     sync.RWMutex
	abouts map[string]About
}

// NewCatalog returns an empty Catalog.
func NewCatalog() *Catalog { return &Catalog{abouts: make(map[string]About)} }

// Learn notes what a sender says of the metric called name, over what was said before. Names beyond 20,000
// are not learned, nor those that no metric can have, and a help text is cut off at 1,000 bytes.
func (c *Catalog) Learn(name string, a About) {
	if c == nil || len(name) > MaxNameBytes {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.abouts[name]; !known && len(c.abouts) >= maxAbouts {
		return
	}
	a.Type = cmp.Or(a.Type, "unknown")
	a.Unit, a.Help = cutOff(a.Unit, MaxNameBytes), cutOff(a.Help, maxHelpBytes)
	c.abouts[name] = a
}

// cutOff returns at most that many bytes of a text, which it keeps nothing else of.
func cutOff(text string, most int) string {
	return strings.Clone(strings.ToValidUTF8(text[:min(len(text), most)], ""))
}

// All returns a copy of what is known, by metric name.
func (c *Catalog) All() map[string]About {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return maps.Clone(c.abouts)
}
