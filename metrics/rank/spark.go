package rank

import (
	"context"
	"slices"
	"sync"
)

const (
	sparkScores = 12    // of a spark, at most
	maxSparks   = 4_096 // kept in memory for each audience
)

// sparks holds the newest scores of players whose rows were shown lately, oldest first.
type sparks struct {
	mu     sync.Mutex
	values map[uint32][]float64
	given  bool // they come with the standings, and are all there
}

// get returns the player's spark, which must not be changed; ok is false where it must be read from the log.
func (s *sparks) get(player uint32) (values []float64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	values, ok = s.values[player]
	return values, ok || s.given
}

// put keeps a player's spark, in place of any other when there are too many.
func (s *sparks) put(player uint32, values []float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = make(map[uint32][]float64)
	}
	if len(s.values) >= maxSparks {
		for other := range s.values {
			delete(s.values, other)
			break
		}
	}
	s.values[player] = values
}

// push adds a score to a spark that is kept.
func (s *sparks) push(e *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	values, ok := s.values[e.Player]
	if !ok {
		return
	}
	from := max(0, len(values)+1-sparkScores)
	s.values[e.Player] = append(slices.Clone(values[from:]), e.Value) // readers hold the old one
}

// forget drops the player's spark.
func (s *sparks) forget(player uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, player)
}

// fillSparks reads the sparks of rows that have been seen in a view; in a reveal there are none, which would tell
// of covered ranks. It must not be called with the board's mutex held: the log may be slow.
func (b *Board) fillSparks(ctx context.Context, staff bool, v *view, rows []Row) error {
	if v.steps() {
		return nil
	}
	for i := range rows {
		if rows[i].Player == "" {
			continue
		}
		spark, err := b.spark(ctx, staff, v, rows[i].Key)
		if err != nil {
			return err
		}
		rows[i].Spark = spark
	}
	return nil
}

// spark returns the player's spark as it is in the view. It is nil where that was the live one and the public's has
// been frozen since: what is live now is more than the public may know.
func (b *Board) spark(ctx context.Context, staff bool, v *view, player uint32) ([]float64, error) {
	b.mu.RLock()
	if v.frozen == nil && b.viewFor(staff).frozen != nil {
		b.mu.RUnlock()
		return nil, nil
	}
	last := b.newest(player)
	values, ok := v.sparks.get(player)
	generation := v.closed.generation
	if ok {
		b.mu.RUnlock()
		return values, nil
	}
	removed := b.removals(player)
	b.mu.RUnlock()
	for e, err := range b.chain(ctx, last) {
		if err != nil {
			return nil, err
		}
		if len(values) == sparkScores {
			break
		}
		if v.counts(&e) && !removed[e.Number] {
			values = append(values, e.Value)
		}
	}
	slices.Reverse(values)
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.newest(player) == last && v.closed.generation == generation { // nothing has changed meanwhile
		v.sparks.put(player, values)
	}
	return values, nil
}
