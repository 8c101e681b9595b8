package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"liveboard/metrics"
)

const (
	importPortion = 20_000    // samples that are read before they are stored
	importSeal    = 1_000_000 // samples after which they are sealed, so that memory lets go of them
)

// Importer brings files of samples into a database that no server has. It is for one goroutine.
type Importer struct {
	store     *Store
	maxSeries int
	unsealed  int
}

// OpenImporter opens the database at path, and makes one where there is none. It keeps servers out until Close. There
// will be at most maxSeries series.
func OpenImporter(path string, maxSeries int, log *slog.Logger) (*Importer, error) {
	store, err := Open(path, log)
	if err != nil {
		return nil, err
	}
	return &Importer{store: store, maxSeries: maxSeries}, nil
}

// Close seals what was imported and closes the database.
func (i *Importer) Close() error { return i.store.Close() }

// Import stores the samples of a file, of any age and in any order, and returns how many are durable. A sample replaces
// the one that its series has at its instant: to import a file again changes nothing. The error names the line
// that is wrong, and how far the file is stored: whole portions of some thousand samples, nothing of the one with the line.
func (i *Importer) Import(ctx context.Context, r io.Reader, format SampleFormat) (stored int, err error) {
	p := portion{reader: newSampleReader(r, format)}
	for {
		ended := p.read()
		if ended != nil && !errors.Is(ended, io.EOF) {
			return stored, p.wrong(ended)
		}
		for group := range slices.Chunk(p.samples, importPortion) {
			if err := i.add(ctx, group); err != nil {
				return stored, p.wrong(err)
			}
			stored += len(group)
		}
		if ended != nil {
			return stored, nil
		}
		p.before = p.line
	}
}

// add makes a group durable, and seals now and then.
func (i *Importer) add(ctx context.Context, samples []metrics.Sample) error {
	arrivals := i.arrivals(samples)
	if i.store.head.Len()+len(arrivals) > i.maxSeries {
		return metrics.Errorf(metrics.TooMany, "there would be more than the limit of %d series", i.maxSeries)
	}
	seq, err := i.store.Append(ctx, samples, arrivals)
	if err != nil {
		return err
	}
	i.store.head.Apply(seq, samples)
	if i.unsealed += len(samples); i.unsealed < importSeal {
		return nil
	}
	i.unsealed = 0
	return i.store.Seal(ctx)
}

// arrivals returns the series that nobody has brought before, each once.
func (i *Importer) arrivals(samples []metrics.Sample) (arrivals []metrics.Arrival) {
	seen := make(map[metrics.Series]bool)
	for _, n := range i.store.head.Fresh(samples) {
		if s := samples[n].Series; !seen[s] {
			seen[s] = true
			arrivals = append(arrivals, metrics.Arrival{Series: s, Origin: metrics.Origin{Format: "import"}, At: time.Now().UnixMilli()})
		}
	}
	return arrivals
}

// portion is what is read of a file before it is stored.
type portion struct {
	reader  sampleReader
	samples []metrics.Sample
	line    int // the last one read
	before  int // the last one of the portion before
}

// read reads the next portion. Its error is that of the reader.
func (p *portion) read() error {
	p.samples = p.samples[:0]
	for len(p.samples) < importPortion {
		line, samples, err := p.reader.next()
		if line > 0 {
			p.line = line
		}
		if err != nil {
			return err
		}
		p.samples = append(p.samples, samples...)
	}
	return nil
}

func (p *portion) wrong(err error) error {
	if p.before == 0 {
		return fmt.Errorf("line %d: %w; nothing of the file is stored", p.line, err)
	}
	return fmt.Errorf("line %d: %w; the file is stored up to line %d, and may be imported again as a whole", p.line, err, p.before)
}
