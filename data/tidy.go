package data

import (
	"context"
	"errors"
	"time"
)

// tidyEvery is also how long a token's last use may be known to memory only.
const tidyEvery = time.Minute

// tidyForever merges scores when there are enough, and at intervals forgets old requests and
// writes down when tokens were used.
func (s *Store) tidyForever(ctx context.Context) {
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	mergeNow := s.scores.mergeNow
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			mergeNow = s.scores.mergeNow
			err = errors.Join(s.scores.Merge(ctx), s.scores.Forget(ctx), s.tokens.flush(ctx))
		case <-mergeNow:
			err = s.scores.Merge(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Error("tidying failed, nothing is lost by that", "err", err)
			mergeNow = nil // what fails now would fail at every append: the next tick tries again
		}
	}
}
