package rank

import (
	"math"
	"testing"

	"liveboard/metrics"
)

func TestSumsStayNumbersThatCanBeWritten(t *testing.T) {
	spec := arcade()
	spec.Keep = metrics.KeepSum
	l := newLedger(t, &memory{}, spec)
	for range 2 {
		if o := submit(t, l, "ada", math.MaxFloat64); o.Score != math.MaxFloat64 {
			t.Errorf("got %v", o.Score)
		}
	}
}

func TestTheNewestTimeIsThatOfAScoreThatCounts(t *testing.T) {
	var log memory
	l := newLedger(t, &log, arcade())
	submit(t, l, "ada", 1)
	submit(t, l, "bob", 2)
	scores := log.of("arcade", Scored)
	scores[1].At = scores[0].At + 60_000
	a, _, err := l.Submit(t.Context(), Submission{Board: "arcade", Scores: []metrics.Score{{Player: "cyd", Value: 3, At: scores[1].At}}})
	if err != nil {
		t.Fatal(err)
	}
	newest := func() int64 {
		p, err := board(t, l, "arcade").Page(t.Context(), Ask{})
		if err != nil {
			t.Fatal(err)
		}
		return p.NewestAt
	}
	if got := newest(); got != scores[1].At {
		t.Errorf("got %d, want %d", got, scores[1].At)
	}
	moderate(t, l, Action{Kind: Removed, Target: a.Results[0].Entry})
	if got, want := newest(), log.of("arcade", Scored)[1].At; got != want {
		t.Errorf("after the removal: got %d, want %d", got, want)
	}
}
