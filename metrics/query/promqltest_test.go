package query_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/teststorage"

	"liveboard/data"
	"liveboard/metrics"
	"liveboard/metrics/query"
)

// beside are the samples of Prometheus's own test scripts that stand in a storage of Prometheus beside
// ours, and why. Everything else is read from our database, every float of a series that can exist here.
var beside = []struct {
	what, why string
	is        func(ls labels.Labels, startAt int64, h *histogram.FloatHistogram) bool
}{
	{
		"native histograms", "a sample here is one float; senders of histograms bring their buckets as series of their own",
		func(_ labels.Labels, _ int64, h *histogram.FloatHistogram) bool { return h != nil },
	},
	{
		"start times", "a sample here has none: an experiment of Prometheus, which the text format cannot carry",
		func(_ labels.Labels, startAt int64, _ *histogram.FloatHistogram) bool { return startAt != 0 },
	},
	{
		"labels that begin with __", "they are reserved: __type__ and __unit__ are an experiment, __address__ ends at the scraper",
		func(ls labels.Labels, _ int64, _ *histogram.FloatHistogram) bool { return reserved(ls) },
	},
}

func reserved(ls labels.Labels) (found bool) {
	ls.Range(func(l labels.Label) { found = found || l.Name != metrics.NameLabel && strings.HasPrefix(l.Name, "__") })
	return found
}

func ourSeries(ls labels.Labels) (metrics.Series, error) {
	var own []metrics.Label
	ls.Range(func(l labels.Label) {
		if l.Name != metrics.NameLabel {
			own = append(own, metrics.Label{Name: l.Name, Value: l.Value})
		}
	})
	return metrics.NewSeries(ls.Get(metrics.NameLabel), own...)
}

// All of Prometheus's own scripts pass over our database: journal, sealing, and reading back from
// chunks after a restart.
func TestPrometheusScriptsPassOverOurStore(t *testing.T) {
	t.Parallel()
	count := tally{empty: emptyDatabase(t), beside: make([]int, len(beside))}
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	promqltest.RunBuiltinTestsWithStorage(t, engine, func(tb testing.TB) storage.Storage { return newBoth(tb, &count) })
	t.Logf("%d samples of %d loads in our store", count.ours, count.loads)
	if count.ours == 0 {
		t.Error("the scripts have read nothing from our store")
	}
	for i, n := range count.beside {
		t.Logf("%d samples beside it: %s; %s", n, beside[i].what, beside[i].why)
		if n == 0 {
			t.Errorf("no script has %s: take the line out of the table", beside[i].what)
		}
	}
}

// emptyDatabase returns the bytes of one, to be copied: to make one takes many syncs.
func emptyDatabase(t *testing.T) []byte {
	b := &both{t: t, path: filepath.Join(t.TempDir(), "empty.db")}
	b.reopen()
	b.must(b.store.Close())
	empty, err := os.ReadFile(b.path)
	b.must(err)
	return empty
}

// tally counts what the scripts load.
type tally struct {
	empty       []byte // a database
	loads, ours int
	beside      []int // as in the table
}

// both is our store, and Prometheus's for what stands in beside.
type both struct {
	*teststorage.TestStorage
	t     testing.TB
	count *tally
	path  string
	store *data.Store
}

func newBoth(t testing.TB, count *tally) *both {
	theirs := teststorage.New(t, func(o *tsdb.Options) {
		o.EnableSTStorage, o.EnableXOR2Encoding = true, true                    // for start times
		o.EnableExemplarStorage, o.StripeSize, o.WALSegmentSize = false, 64, -1 // it is small, and short of life
	})
	b := &both{theirs, t, count, filepath.Join(t.TempDir(), "x.db"), nil}
	b.must(os.WriteFile(b.path, count.empty, 0o600))
	b.reopen()
	return b
}

// reopen has the store seal all it has and read it back from the disk.
func (b *both) reopen() {
	b.t.Helper()
	if b.store != nil {
		b.must(b.store.Close())
	}
	var err error
	b.store, err = data.Open(b.path, slog.New(slog.DiscardHandler))
	b.must(err)
}

func (b *both) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// Close implements storage.Storage.
func (b *both) Close() error { return errors.Join(b.store.Close(), b.TestStorage.Close()) }

// Querier reads from both.
func (b *both) Querier(mint, maxt int64) (storage.Querier, error) {
	ours, err := query.NewStorage(b.store.Head()).Querier(mint, maxt)
	if err != nil {
		return nil, err
	}
	other, err := b.TestStorage.Querier(mint, maxt)
	return storage.NewMergeQuerier([]storage.Querier{ours, other}, nil, storage.ChainedSeriesMerge), err
}

// AppenderV2 returns an appender to both.
func (b *both) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &appender{AppenderV2: b.TestStorage.AppenderV2(ctx), both: b}
}

// appender collects what is ours.
type appender struct {
	storage.AppenderV2
	both    *both
	samples []metrics.Sample
}

// Append takes one sample.
func (a *appender) Append(ref storage.SeriesRef, ls labels.Labels, startAt, at int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, opts storage.AppendV2Options) (storage.SeriesRef, error) {
	for i, other := range beside {
		if other.is(ls, startAt, fh) {
			a.both.count.beside[i]++
			return a.AppenderV2.Append(ref, ls, startAt, at, v, h, fh, opts)
		}
	}
	s, err := ourSeries(ls)
	a.samples = append(a.samples, metrics.Sample{Series: s, At: at, Value: v})
	return ref, err
}

// Commit stores the first half, restarts the store, stores the rest late first, and restarts it again
// after some of the loads: so queries read chunks, late samples and the journal.
func (a *appender) Commit() error {
	b := a.both
	b.count.loads++
	b.count.ours += len(a.samples)
	half := len(a.samples) / 2
	b.put(a.samples[half:])
	b.reopen()
	b.put(a.samples[:half])
	if b.count.loads%4 == 0 {
		b.reopen()
	}
	return a.AppenderV2.Commit()
}

func (b *both) put(samples []metrics.Sample) {
	b.t.Helper()
	if len(samples) == 0 {
		return
	}
	seq, err := b.store.Append(b.t.Context(), samples, nil)
	b.must(err)
	b.store.Head().Apply(seq, samples)
}
