package rank

import (
	"slices"
	"testing"

	"liveboard/metrics"
)

func TestAllLeaderboardsAreRebuiltInOneReading(t *testing.T) {
	readings := 0
	log := &gate{memory: &memory{}, reading: func() error { readings++; return nil }}
	other := arcade()
	other.Name = "other"
	l := newLedger(t, log, arcade(), other)
	submit(t, l, "ada", 1)
	if _, _, err := l.Submit(t.Context(), Submission{Board: "other", Scores: []metrics.Score{{Player: "bob", Value: 1}}}); err != nil {
		t.Fatal(err)
	}
	readings = 0
	again := newLedger(t, log, arcade(), other)
	if readings != 1 {
		t.Errorf("the log was read %d times, want once", readings)
	}
	for name, want := range map[string]string{"arcade": "ada", "other": "bob"} {
		if got := ranking(t, board(t, again, name), Ask{}); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %v, want %s", name, got, want)
		}
	}
}

func TestWhatStandingsDoNotDependOnRebuildsNothing(t *testing.T) {
	log := &gate{memory: &memory{}}
	l := newLedger(t, log, arcade())
	submit(t, l, "ada", 1)
	log.reading = func() error { t.Error("the log is read again"); return nil }
	before, least := board(t, l, "arcade"), 5.0
	changed := arcade()
	changed.Title, changed.Text, changed.Unit, changed.Decimals, changed.Signed = "Arcade", "Round one", metrics.Seconds, 2, true
	changed.Limits.Min, changed.Visibility = &least, metrics.StaffOnly
	if err := l.Set(t.Context(), []metrics.Leaderboard{changed}); err != nil {
		t.Fatal(err)
	}
	b := board(t, l, "arcade")
	if b != before || b.Spec().Title != "Arcade" || !b.Spec().Signed {
		t.Errorf("got another leaderboard, or that of before: %+v", b.Spec())
	}
	if _, err := b.Page(t.Context(), Ask{}); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("got error %v, want one of kind NotFound for who is not staff", err)
	}
	_, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: "ada", Value: 4}}})
	if metrics.KindOf(err) != metrics.Refused {
		t.Errorf("got error %v, want one of kind Refused", err)
	}
}
