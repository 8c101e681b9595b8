package head

import (
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"liveboard/metrics"
)

// series is one series in memory, under the lock of its Head.
type series struct {
	id     metrics.Series
	labels labels.Labels
	metric *metric
	chunks []*chunk          // without overlap, oldest first; only the last one grows at its end
	app    chunkenc.Appender // of the last chunk; nil until an append needs it
	value  float64           // of the newest sample
	late   []metrics.Point   // sorted: samples from before chunks[0] that the store does not have yet
	older  bool              // the store may have samples from before chunks[0]
	next   *series           // what followed it in the last group
	seq    uint64            // the newest group that brought a sample, 0 where that was before the start
	gone   bool              // it is forgotten, but another one\'s next may still lead here
}

// chunk is a Chunk that can still change. The bytes of every chunk but a series' last are
// never written again: a late sample replaces them as a whole, so readers may keep them.
type chunk struct {
	from, to      int64
	xor           chunkenc.XORChunk
	edits, stored uint32 // changes made, and those of them that the store has
}

const (
	chunkHeader = 2  // the count of samples
	smallChunk  = 32 // bytes; chunkenc would begin with 128, and a series that rests with two samples would keep them
)

func newChunk(points []metrics.Point) *chunk {
	c := &chunk{from: points[0].At, to: points[len(points)-1].At, edits: 1}
	c.xor.Reset(make([]byte, chunkHeader, smallChunk))
	app := appenderOf(&c.xor)
	for _, p := range points {
		app.Append(0, p.At, p.Value)
	}
	return c
}

// freeze returns the chunk as it is now. It shares the bytes, which of a series' last chunk still change.
func (c *chunk) freeze() Chunk {
	return Chunk{From: c.from, To: c.to, Samples: c.xor.NumSamples(), Data: c.xor.Bytes()}
}

func (c *chunk) full() bool  { return c.xor.NumSamples() >= ChunkSamples }
func (c *chunk) dirty() bool { return c.edits != c.stored }

// replace makes c the chunk f, keeping what the store knows of it.
func (c *chunk) replace(f Chunk) {
	c.from, c.to = f.From, f.To
	c.xor.Reset(f.Data)
	c.edits++
}

// freeze returns the i-th chunk as it is now, for good: the bytes of the last chunk are copied.
func (s *series) freeze(i int) Chunk {
	f := s.chunks[i].freeze()
	if i == len(s.chunks)-1 {
		f.Data = slices.Clone(f.Data)
	}
	return f
}

// add puts one sample in its place.
func (s *series) add(p metrics.Point) {
	switch n := len(s.chunks); {
	case n == 0 || p.At > s.chunks[n-1].to:
		s.append(p)
	case p.At == s.chunks[n-1].to && math.Float64bits(p.Value) == math.Float64bits(s.value):
		// A sender that has not heard the answer brings the same again.
	case p.At >= s.chunks[0].from:
		s.merge(p)
	default:
		s.addLate(p)
	}
}

// addLate costs little where samples of a past come in order, however many there are already.
func (s *series) addLate(p metrics.Point) {
	i := firstAtOrAfter(s.late, p.At)
	if i < len(s.late) && s.late[i].At == p.At {
		s.late[i] = p
		return
	}
	s.late = slices.Insert(s.late, i, p)
}

// append is the hot path: p is the newest sample of the series.
func (s *series) append(p metrics.Point) {
	s.value = p.Value
	n := len(s.chunks)
	if n == 0 || s.chunks[n-1].full() {
		s.open(p)
		return
	}
	c := s.chunks[n-1]
	if s.app == nil {
		s.app = c.reopen()
	}
	s.app.Append(0, p.At, p.Value)
	c.to = p.At
	c.edits++
}

// open begins the next chunk with p.
func (s *series) open(p metrics.Point) {
	if n := len(s.chunks); n > 0 {
		s.chunks[n-1].xor.Compact()
	}
	c := newChunk([]metrics.Point{p})
	s.chunks = append(s.chunks, c)
	s.app = appenderOf(&c.xor)
}

// merge puts a late sample into the chunk in memory that spans its instant.
func (s *series) merge(p metrics.Point) {
	i := s.chunkAt(p.At)
	pieces, err := s.chunks[i].freeze().with([]metrics.Point{p})
	if err != nil {
		panic(err) // the bytes are our own, or passed Load
	}
	s.chunks[i].replace(pieces[0])
	for k, f := range pieces[1:] {
		c := new(chunk)
		c.replace(f)
		s.chunks = slices.Insert(s.chunks, i+1+k, c)
	}
	last := s.chunks[len(s.chunks)-1]
	s.app = nil
	if p.At == last.to {
		s.value = p.Value
	}
}

// chunkAt returns the index of the last chunk that begins no later than at.
func (s *series) chunkAt(at int64) int {
	i := len(s.chunks) - 1
	for s.chunks[i].from > at {
		i--
	}
	return i
}

// reopen returns an appender to a chunk that may have come as bytes. Bytes do not tell how many
// bits of the last one are used, so such a chunk cannot be continued: it is encoded anew.
func (c *chunk) reopen() chunkenc.Appender {
	points, err := c.freeze().Points()
	if err != nil {
		panic(err) // the bytes are our own, or passed Load
	}
	c.xor = newChunk(points).xor
	return appenderOf(&c.xor)
}

// appenderOf returns the appender that continues xor, whose samples were all appended here.
func appenderOf(xor *chunkenc.XORChunk) chunkenc.Appender {
	app, err := xor.Appender()
	if err != nil {
		panic(err) // the bytes are our own, or passed Load
	}
	return app
}

// promLabels returns the labels of id as queries want them.
func promLabels(id metrics.Series) labels.Labels {
	ls := id.Labels()
	b := labels.NewScratchBuilder(len(ls))
	for _, l := range ls {
		b.Add(l.Name, l.Value)
	}
	return b.Labels()
}
