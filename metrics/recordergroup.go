package metrics

import (
	"context"
	"slices"
)

// commit records the group and tells every sender the outcome.
func (r *Recorder) commit(group []*pending) {
	group = r.admit(group)
	if len(group) == 0 {
		return
	}
	samples := joined(group)
	err := r.append(samples)
	for _, p := range group {
		r.stats.count(p, err)
		p.outcome <- err
	}
}

func (r *Recorder) append(samples []Sample) error {
	// No sender owns the group, so none can cancel it.
	seq, err := r.config.Log.Append(context.Background(), samples)
	if err != nil {
		r.stats.failures.Add(1)
		return Because(err, Unavailable, "the samples could not be stored: try again in a few seconds")
	}
	r.config.Applier.Apply(seq, samples)
	r.stats.groups.Add(1)
	r.config.Bell(names(samples))
	return nil
}

// admit refuses the batches that would bring too many series, and returns the others.
func (r *Recorder) admit(group []*pending) []*pending {
	known := r.config.Applier.Len()
	if known+size(group) <= r.config.MaxSeries {
		return group // even if every sample were a series of its own
	}
	added := make(map[Series]bool)
	return slices.DeleteFunc(group, func(p *pending) bool {
		if r.admits(p.samples, known, added) {
			return false
		}
		p.outcome <- Errorf(TooMany, "the batch brings new series beyond the limit of %d series", r.config.MaxSeries)
		return true
	})
}

// admits reports whether samples stay within the limit, and if so puts their new series into added.
func (r *Recorder) admits(samples []Sample, known int, added map[Series]bool) bool {
	fresh := make(map[Series]bool)
	for _, s := range samples {
		if !added[s.Series] && !r.config.Applier.Has(s.Series) {
			fresh[s.Series] = true
		}
	}
	if len(fresh) > 0 && known+len(added)+len(fresh) > r.config.MaxSeries {
		return false
	}
	for s := range fresh {
		added[s] = true
	}
	return true
}

// joined returns all samples of the group; those of a batch alone are not copied.
func joined(group []*pending) []Sample {
	if len(group) == 1 {
		return group[0].samples
	}
	all := make([]Sample, 0, size(group))
	for _, p := range group {
		all = append(all, p.samples...)
	}
	return all
}

// size is the number of samples in the group.
func size(group []*pending) (n int) {
	for _, p := range group {
		n += len(p.samples)
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
