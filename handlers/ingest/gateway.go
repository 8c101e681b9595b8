package ingest

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"liveboard/metrics"
)

// maxGroups bounds the groups that are alive.
const maxGroups = 10_000

// gateway keeps what batch jobs have pushed alive between their pushes, for as long as they may come again.
type gateway struct {
	intake *Intake
	begin  sync.Once // restores what was there before the program started

	mu     sync.Mutex
	groups map[metrics.Series]*pushGroup       // by their key
	owners map[metrics.Series]*pushGroup       // of every series
	kinds  map[string]map[model.MetricType]int // how many groups have a family of that kind
}

func newGateway(i *Intake) *gateway {
	return &gateway{
		intake: i,
		groups: make(map[metrics.Series]*pushGroup),
		owners: make(map[metrics.Series]*pushGroup),
		kinds:  make(map[string]map[model.MetricType]int),
	}
}

// take records a push.
func (g *gateway) take(d *delivery, key metrics.Series, e *exposition) error {
	p, err := g.lock(d.Context(), key)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	at := time.Now().UnixMilli()
	if err := g.contradiction(p, e); err != nil {
		return g.fail(d, p, at, err)
	}
	values, kinds := p.after(e, d.Method == http.MethodPut, at)
	if len(values) > metrics.MaxBatchSamples { // it is recorded again, and ended, as one batch
		return errLargeGroup
	}
	sent := append(samplesOf(e.values, at), p.ending(values, at)...)
	if err := g.record(d, sent, samplesOf(map[metrics.Series]told{p.key: values[p.key], p.failure: values[p.failure]}, at)); err != nil {
		return err
	}
	for name, about := range e.said {
		if d.from.mayBring(name) == nil {
			g.intake.Catalog.Learn(name, about)
		}
	}
	g.set(p, values, kinds)
	p.pushed(at)
	p.recordedAt = at
	return nil
}

var errLargeGroup = metrics.Errorf(metrics.TooLarge, "a group has at most %d series, its two times among them: push under several grouping keys", metrics.MaxBatchSamples)

// remove ends a group.
func (g *gateway) remove(d *delivery, key metrics.Series) error {
	p, err := g.lock(d.Context(), key)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	var sent, own []metrics.Sample
	for _, s := range p.ending(nil, time.Now().UnixMilli()) {
		if s.Series == p.key || s.Series == p.failure {
			own = append(own, s)
			continue
		}
		sent = append(sent, s)
	}
	if err := g.record(d, sent, own); err != nil {
		return err
	}
	g.set(p, nil, nil)
	p.pushes = nil
	return nil
}

// record records what the sender says, if its token covers all of that, and what the gateway says of it.
func (g *gateway) record(d *delivery, sent, own []metrics.Sample) error {
	batch := metrics.Batch{Samples: sent, Origin: d.origin(gatewayFormat)}
	if refused, first := holdToPrefixes(d.from, &batch); refused > 0 {
		return first
	}
	batch.Samples = append(batch.Samples, own...)
	return g.intake.record(d.Context(), Sender{Local: true}, batch, refusal{})
}

// fail notes that a push to the group has failed because of err, and returns err.
func (g *gateway) fail(d *delivery, p *pushGroup, at int64, err error) error {
	own := map[metrics.Series]told{
		p.key:     {p.values[p.key].value, pushTime},
		p.failure: {float64(at) / 1000, pushFailureTime},
	}
	if failed := g.record(d, nil, samplesOf(own, at)); failed != nil {
		return failed
	}
	values := make(map[metrics.Series]told, len(p.values)+len(own))
	for _, all := range []map[metrics.Series]told{p.values, own} {
		for s, v := range all {
			values[s] = v
		}
	}
	g.set(p, values, p.kinds)
	return err
}

// lock returns the group with its lock held.
func (g *gateway) lock(ctx context.Context, key metrics.Series) (*pushGroup, error) {
	g.begin.Do(func() { g.restore(context.WithoutCancel(ctx)) })
	for {
		p, err := g.group(key)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		if !p.dropped {
			return p, nil
		}
		p.mu.Unlock()
	}
}

func (g *gateway) group(key metrics.Series) (*pushGroup, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.groups[key]
	if p != nil {
		return p, nil
	}
	if len(g.groups) >= maxGroups {
		g.forget()
	}
	if len(g.groups) >= maxGroups {
		return nil, metrics.Errorf(metrics.TooMany, "The limit of %d groups of pushed metrics is reached: DELETE some, or wait until some have ended.", maxGroups)
	}
	p = newPushGroup(key)
	g.groups[key] = p
	return p, nil
}

// forget drops the groups that have ended, of which only the times of their pushes are left.
func (g *gateway) forget() {
	for key, p := range g.groups {
		if !p.mu.TryLock() {
			continue
		}
		if p.dropped = len(p.values) == 0; p.dropped {
			delete(g.groups, key)
		}
		p.mu.Unlock()
	}
}

// contradiction returns why a push to the group cannot be taken, or nil.
func (g *gateway) contradiction(p *pushGroup, e *exposition) error {
	const sorry = "pushed metrics are invalid or inconsistent with existing metrics: "
	if e.dated {
		return metrics.Errorf(metrics.Conflict, sorry+"pushed metrics must not have timestamps")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for s := range e.values {
		if owner := g.owners[s]; owner != nil && owner != p {
			return metrics.Errorf(metrics.Conflict, sorry+"%s was pushed to the group %s", s, metrics.Labels(ownLabels(owner.key)))
		}
	}
	for family, kind := range e.kinds {
		for other, groups := range g.kinds[family] {
			if own, ours := p.kinds[family]; ours && own == other {
				groups-- // which this push replaces
			}
			if groups > 0 && other != kind {
				return metrics.Errorf(metrics.Conflict, sorry+"%s is a %s here and a %s in another group", family, kind, other)
			}
		}
	}
	return nil
}

// set makes values and kinds what the group holds. The caller has its lock.
func (g *gateway) set(p *pushGroup, values map[metrics.Series]told, kinds map[string]model.MetricType) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for s := range p.values {
		delete(g.owners, s)
	}
	for s := range values {
		g.owners[s] = p
	}
	for family, kind := range p.kinds {
		g.count(family, kind, -1)
	}
	for family, kind := range kinds {
		g.count(family, kind, +1)
	}
	p.values, p.kinds = values, kinds
}

func (g *gateway) count(family string, kind model.MetricType, by int) {
	groups := g.kinds[family]
	if groups == nil {
		groups = make(map[model.MetricType]int)
		g.kinds[family] = groups
	}
	if groups[kind] += by; groups[kind] == 0 {
		delete(groups, kind)
	}
	if len(groups) == 0 {
		delete(g.kinds, family)
	}
}

// lookEvery is how often groups are looked at that may have to be recorded again, or ended.
const lookEvery = 10 * time.Second

// run keeps groups alive, and ends them, until ctx ends.
func (g *gateway) run(ctx context.Context) {
	g.begin.Do(func() { g.restore(ctx) })
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := g.look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			slog.Warn("pushed values could not be recorded again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look records again or ends every group whose time has come. Together, so that they share commits.
func (g *gateway) look(ctx context.Context, now time.Time) error {
	var all errgroup.Group
	all.SetLimit(100)
	for _, p := range g.all() {
		all.Go(func() error { return g.revive(ctx, p, now) })
	}
	return all.Wait()
}

func (g *gateway) all() []*pushGroup {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*pushGroup, 0, len(g.groups))
	for _, p := range g.groups {
		all = append(all, p)
	}
	return all
}

// revive records the group's values as of now, so that queries, which look back for five minutes, go on seeing them; or
// ends the group where its sender ought to have come again.
func (g *gateway) revive(ctx context.Context, p *pushGroup, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now.UnixMilli()
	life := p.life()
	switch {
	case len(p.values) == 0:
		return nil
	case at-p.touched() > life.Milliseconds():
		err := g.again(ctx, p.ending(nil, at))
		if err == nil {
			g.set(p, nil, nil)
		}
		return err
	case life == leastLife || at-p.recordedAt < againEvery.Milliseconds():
		return nil
	}
	err := g.again(ctx, samplesOf(p.values, at))
	if err == nil {
		p.recordedAt = at
	}
	return err
}

// again records samples of series that are there already.
func (g *gateway) again(ctx context.Context, samples []metrics.Sample) error {
	return g.intake.Recorder.Record(ctx, metrics.Batch{Samples: samples, Origin: metrics.Origin{Format: gatewayFormat}})
}
