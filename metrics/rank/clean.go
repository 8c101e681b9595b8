package rank

import (
	"math"
	"slices"
	"time"

	"liveboard/metrics"
)

// MaxMembers is how many sub-scores a score may bring, and how many attributes.
const MaxMembers = 16

// cleaned returns the scores in the form in which they are kept. The error is of kind Invalid.
func cleaned(scores []metrics.Score, now int64) ([]metrics.Score, error) {
	scores = slices.Clone(scores)
	for i := range scores {
		if err := clean(&scores[i], now); err != nil {
			return nil, numbered(err, i, len(scores))
		}
	}
	return scores, nil
}

// numbered names the score that an error is about, where there are several.
func numbered(err error, index, of int) error {
	if of == 1 {
		return err
	}
	return metrics.Errorf(metrics.KindOf(err), "score %d: %w", index+1, err)
}

// clean checks a score by itself and brings its texts into the form in which they are kept.
func clean(s *metrics.Score, now int64) (err error) {
	if s.Player, err = cleanID(s.Player); err != nil {
		return err
	}
	if s.Name != "" {
		if s.Name, err = cleanName(s.Name); err != nil {
			return err
		}
	}
	if !isFinite(s.Value) {
		return metrics.Errorf(metrics.Invalid, "The score must be a finite number.")
	}
	if s.At != 0 {
		if err := metrics.CheckTime(s.At, time.UnixMilli(now)); err != nil {
			return err
		}
	}
	if err := checkSubs(s.Subs); err != nil {
		return err
	}
	s.Attributes, err = cleanAttributes(s.Attributes)
	return err
}

func checkSubs(subs []metrics.Sub) error {
	if len(subs) > MaxMembers {
		return metrics.Errorf(metrics.Invalid, "A score has at most %d sub-scores, not %d.", MaxMembers, len(subs))
	}
	for i, s := range subs {
		if err := checkWord("sub-score", s.Name); err != nil {
			return err
		}
		switch {
		case !isFinite(s.Value):
			return metrics.Errorf(metrics.Invalid, "The sub-score %s must be a finite number.", s.Name)
		case i > 0 && subs[i-1].Name >= s.Name:
			return metrics.Errorf(metrics.Invalid, "The sub-score %s stands there twice, or out of order.", s.Name)
		}
	}
	return nil
}

func cleanAttributes(attributes metrics.Labels) (metrics.Labels, error) {
	if len(attributes) > MaxMembers {
		return nil, metrics.Errorf(metrics.Invalid, "A player has at most %d attributes, not %d.", MaxMembers, len(attributes))
	}
	cleaned := slices.Clone(attributes)
	for i, a := range attributes {
		if err := checkWord("attribute", a.Name); err != nil {
			return nil, err
		}
		if i > 0 && attributes[i-1].Name >= a.Name {
			return nil, metrics.Errorf(metrics.Invalid, "The attribute %s stands there twice, or out of order.", a.Name)
		}
		value, err := cleanName(a.Value)
		if err != nil {
			return nil, metrics.Errorf(metrics.Invalid, "The attribute %s: %w", a.Name, err)
		}
		cleaned[i].Value = value
	}
	return cleaned, nil
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
