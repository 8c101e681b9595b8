package head

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"

	"liveboard/metrics"
)

// Find returns the series that all matchers match and that have samples in [mint, maxt], sorted by
// labels, without their samples. A series with an older and a newer one in the same chunk counts
// too. Find asks Older only where memory cannot tell, and returns its error, or ctx's.
func (h *Head) Find(ctx context.Context, mint, maxt int64, matchers ...*labels.Matcher) ([]*Series, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	candidates := h.presences(mint, maxt, matchers)
	found := make([]*Series, 0, len(candidates))
	for _, p := range candidates {
		if !p.certain {
			chunks, err := h.older.Chunks(ctx, p.id, mint, min(maxt, p.below-1), Rollup{})
			if err != nil {
				return nil, fmt.Errorf("find %s: %w", p.id, err)
			}
			if len(chunks) == 0 {
				continue
			}
		}
		found = append(found, &Series{labels: p.labels, mint: mint, maxt: maxt})
	}
	return found, nil
}

// presence is a series that has samples in a span, or may have.
type presence struct {
	id      metrics.Series
	labels  labels.Labels
	certain bool
	below   int64 // memory holds everything from here on
}

func (h *Head) presences(mint, maxt int64, matchers []*labels.Matcher) []presence {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var found []presence
	for _, s := range h.match(matchers) {
		if len(s.chunks) == 0 {
			continue
		}
		p := presence{id: s.id, labels: s.labels, certain: s.holds(mint, maxt), below: s.chunks[0].from}
		if p.certain || s.older && mint < p.below {
			found = append(found, p)
		}
	}
	return found
}

// holds reports whether memory has a chunk or a late sample in [mint, maxt].
func (s *series) holds(mint, maxt int64) bool {
	for _, c := range s.chunks {
		if c.to >= mint && c.from <= maxt {
			return true
		}
	}
	i := firstAtOrAfter(s.late, mint)
	return i < len(s.late) && s.late[i].At <= maxt
}
