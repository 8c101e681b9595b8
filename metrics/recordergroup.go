package metrics

import (
	"context"
	"slices"
	"time"
)

// commit records the group and tells every sender the outcome.
func (r *Recorder) commit(group []*pending) {
	r.makeRoom()
	a := admission{recorder: r, known: r.config.Applier.Len(), at: time.Now().UnixMilli()}
	group = slices.DeleteFunc(group, func(p *pending) bool {
		err := a.admit(p)
		if err != nil || len(p.Samples) == 0 {
			p.outcome <- p.result(err)
			return true
		}
		return false
	})
	if len(group) == 0 {
		return
	}
	err := r.append(joined(group), a.arrivals)
	for _, p := range group {
		r.stats.count(p, err)
		p.outcome <- p.result(err)
	}
}

// makeRoom takes what was forgotten off the counts.
func (r *Recorder) makeRoom() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for token, n := range r.gone {
		r.perToken[token] -= n
		if r.perToken[token] == 0 {
			delete(r.perToken, token)
		}
	}
	clear(r.gone)
}

func (r *Recorder) append(samples []Sample, arrivals []Arrival) error {
	// No sender owns the group, so none can cancel it.
	seq, err := r.config.Log.Append(context.Background(), samples, arrivals)
	if err != nil {
		r.stats.failures.Add(1)
		return Because(err, Unavailable, "the samples could not be stored: try again in a few seconds")
	}
	r.config.Applier.Apply(seq, samples)
	r.stats.groups.Add(1)
	if len(arrivals) > 0 {
		for _, a := range arrivals {
			r.perToken[a.Origin.Token]++
		}
		r.config.Arrived(arrivals)
	}
	r.config.Bell(names(samples))
	return nil
}

// admission lets the new series of a group in, as far as the limits allow.
type admission struct {
	recorder *Recorder
	known    int   // series before the group
	at       int64 // Unix ms
	arrivals []Arrival
	added    map[Series]bool
	perToken map[string]int // arrivals
}

// admit returns nil, or why the batch would bring too many series. Of a Partial batch it takes the samples of those out.
func (a *admission) admit(p *pending) error {
	fresh := a.fresh(p)
	if len(fresh) == 0 {
		return nil
	}
	room, err := a.room(p.Origin.Token)
	if len(fresh) <= room {
		a.add(p.Origin, fresh)
		return nil
	}
	if !p.Partial {
		return err
	}
	a.add(p.Origin, fresh[:room])
	beyond := make(map[Series]bool, len(fresh)-room)
	for _, s := range fresh[room:] {
		beyond[s] = true
	}
	p.refuse(func(s Sample) error {
		if beyond[s.Series] {
			return err
		}
		return nil
	})
	return nil
}

// fresh returns the distinct series of the batch that are new.
func (a *admission) fresh(p *pending) (fresh []Series) {
	seen := make(map[Series]bool)
	for _, i := range a.recorder.config.Applier.Fresh(p.Samples) {
		s := p.Samples[i].Series
		if !a.added[s] && !seen[s] {
			seen[s] = true
			fresh = append(fresh, s)
		}
	}
	return fresh
}

// room returns how many new series the token may bring now, and what to say of more.
func (a *admission) room(token string) (room int, err error) {
	c := a.recorder.config
	room = c.MaxSeries - a.known - len(a.arrivals)
	err = Errorf(TooMany, "new series beyond the limit of %d series in all (--max-series): known series go on", c.MaxSeries)
	if token == "" {
		return max(room, 0), err
	}
	if left := c.MaxSeriesPerToken - a.recorder.perToken[token] - a.perToken[token]; left < room {
		room = left
		err = Errorf(TooMany, "new series beyond the limit of %d series of one token (--max-series-per-token): known series go on", c.MaxSeriesPerToken)
	}
	return max(room, 0), err
}

func (a *admission) add(from Origin, fresh []Series) {
	if a.added == nil {
		a.added, a.perToken = make(map[Series]bool), make(map[string]int)
	}
	for _, s := range fresh {
		a.added[s] = true
		a.arrivals = append(a.arrivals, Arrival{s, from, a.at})
	}
	a.perToken[from.Token] += len(fresh)
}

// joined returns all samples of the group; those of a batch alone are not copied.
func joined(group []*pending) []Sample {
	if len(group) == 1 {
		return group[0].Samples
	}
	all := make([]Sample, 0, size(group))
	for _, p := range group {
		all = append(all, p.Samples...)
	}
	return all
}

// size is the number of samples in the group.
func size(group []*pending) (n int) {
	for _, p := range group {
		n += len(p.Samples)
	}
	return n
}

// names returns the distinct metric names of samples.
func names(samples []Sample) []string {
	var distinct []string
	seen := make(map[string]bool)
	last := ""
	for _, s := range samples {
		name := s.Series.Name()
		if name == last || seen[name] { // senders bring the series of a metric in a row
			continue
		}
		last, seen[name] = name, true
		distinct = append(distinct, name)
	}
	return distinct
}
