package ingest

import (
	"context"
	"maps"
	"mime"
	"slices"
	"strings"
	"time"

	"liveboard/metrics"
)

func init() {
	openers = append(openers, func(*Intake) ([]protocol, func(context.Context)) {
		known := make(map[string]*seriesCache)
		for media := range forms {
			known[media] = newSeriesCache()
		}
		return []protocol{{
			format: "push", routes: []string{"POST /api/push"},
			read: func(d *delivery) (metrics.Batch, error) { return readPush(d, known) },
		}}, nil
	})
}

// form reads the body of a push. Samples without a time of their own are from now. Errors are
// of kind Invalid and name the line, or the sample, and the reason.
type form struct {
	name string
	read func(body []byte, now time.Time, known *seriesCache) (metrics.Batch, error)
}

// forms are those that /api/push takes, by media type.
var forms = map[string]form{}

// errManySamples is for a body that is one batch, of which no more is read than a batch may have.
var errManySamples = metrics.Errorf(metrics.TooLarge, "The body has more than %d samples: send it in parts.", metrics.MaxBatchSamples)

// readPush reads what the Content-Type says. Each media type spells series in its own way, so what is known of them is too.
func readPush(d *delivery, known map[string]*seriesCache) (metrics.Batch, error) {
	media, _, err := mime.ParseMediaType(d.Header.Get("Content-Type"))
	f, ok := forms[media]
	if err != nil || !ok {
		return metrics.Batch{}, metrics.Errorf(metrics.Unsupported, "Content-Type must be %s, not %q; with curl: -H 'Content-Type: text/plain'",
			strings.Join(slices.Sorted(maps.Keys(forms)), " or "), d.Header.Get("Content-Type"))
	}
	batch, err := f.read(d.body, d.now, known[media])
	if err == nil && len(batch.Samples) == 0 {
		err = metrics.Errorf(metrics.Invalid, "there is no sample in the body")
	}
	batch.Origin.Format = f.name
	return batch, err
}
