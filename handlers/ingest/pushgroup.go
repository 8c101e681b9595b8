package ingest

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"liveboard/metrics"
)

// The metrics in which the gateway tells of a group itself.
const (
	pushTime        = "push_time_seconds"
	pushFailureTime = "push_failure_time_seconds"
)

// How long a group lives after a push: three times the longest that it was silent between the last pushes. A job that
// pushes at its start and at its end is silent for the night between.
const (
	keptPushes  = 9
	knownPushes = 4                  // from which on the silences are known
	firstLife   = 25 * time.Hour     // before that: until a nightly job comes again
	leastLife   = 5 * time.Minute    // for which queries look back anyhow
	mostLife    = 8 * 24 * time.Hour // until a weekly job comes again
	againEvery  = 30 * time.Second   // between two records of the values of a group that lives longer than leastLife
)

// pushGroup is what one job, of one grouping key, has pushed.
type pushGroup struct {
	key     metrics.Series // push_time_seconds, with the grouping labels
	failure metrics.Series // push_failure_time_seconds

	mu         sync.Mutex
	values     map[metrics.Series]told // its own two among them; none once it has ended
	kinds      map[string]model.MetricType
	pushes     []int64 // the times of the last pushes, Unix milliseconds
	recordedAt int64   // of all values, Unix milliseconds
	dropped    bool    // it has ended, and another may be in its place
}

func newPushGroup(key metrics.Series) *pushGroup {
	failure, err := metrics.NewSeries(pushFailureTime, ownLabels(key)...)
	if err != nil {
		panic(err) // the labels are those of a series
	}
	return &pushGroup{key: key, failure: failure, values: make(map[metrics.Series]told), kinds: make(map[string]model.MetricType)}
}

// ownLabels returns the labels of a series without its name.
func ownLabels(s metrics.Series) []metrics.Label { return without(s.Labels(), metrics.NameLabel) }

// life returns how long the group lives after its last push.
func (p *pushGroup) life() time.Duration {
	longest := int64(0)
	for i := 1; i < len(p.pushes); i++ {
		longest = max(longest, p.pushes[i]-p.pushes[i-1])
	}
	life := 3 * time.Duration(longest) * time.Millisecond
	if len(p.pushes) < knownPushes {
		life = max(life, firstLife)
	}
	return min(max(life, leastLife), mostLife)
}

// touched is when the group was last pushed to, well or not, Unix milliseconds.
func (p *pushGroup) touched() int64 {
	failedAt := int64(p.values[p.failure].value * 1000)
	if len(p.pushes) == 0 {
		return failedAt
	}
	return max(failedAt, p.pushes[len(p.pushes)-1])
}

// after returns what the group holds after a push at that time, Unix milliseconds; all of it is the push's own where it
// replaces the group, else what it says nothing of stays.
func (p *pushGroup) after(e *exposition, replaces bool, at int64) (values map[metrics.Series]told, kinds map[string]model.MetricType) {
	values, kinds = maps.Clone(e.values), maps.Clone(e.kinds)
	if !replaces {
		for s, v := range p.values {
			if _, told := e.kinds[v.family]; !told {
				values[s] = v
			}
		}
		for family, kind := range p.kinds {
			if _, told := e.kinds[family]; !told {
				kinds[family] = kind
			}
		}
	}
	values[p.key] = told{float64(at) / 1000, pushTime}
	values[p.failure] = told{p.values[p.failure].value, pushFailureTime}
	return values, kinds
}

// ending returns stale markers for the series that are not among values.
func (p *pushGroup) ending(values map[metrics.Series]told, at int64) (ends []metrics.Sample) {
	for s := range p.values {
		if _, stays := values[s]; !stays {
			ends = append(ends, metrics.Sample{Series: s, At: at, Value: metrics.StaleMarker()})
		}
	}
	return ends
}

// pushed notes the time of a push, Unix milliseconds.
func (p *pushGroup) pushed(at int64) {
	p.pushes = append(p.pushes, at)
	p.pushes = slices.Delete(p.pushes, 0, max(0, len(p.pushes)-keptPushes))
}

// samplesOf returns the values as samples of that time, Unix milliseconds, in the order of their series.
func samplesOf(values map[metrics.Series]told, at int64) []metrics.Sample {
	samples := make([]metrics.Sample, 0, len(values))
	for s, v := range values {
		samples = append(samples, metrics.Sample{Series: s, At: at, Value: v.value})
	}
	slices.SortFunc(samples, func(a, b metrics.Sample) int { return strings.Compare(a.Series.Key(), b.Series.Key()) })
	return samples
}
