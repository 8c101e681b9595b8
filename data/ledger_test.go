package data

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// standings returns a leaderboard's rows as the ledger over the store's log has them.
func standings(t *testing.T, ledger *rank.Ledger) []rank.Row {
	t.Helper()
	board, err := ledger.Board("arcade")
	must(t, err)
	page, err := board.Page(t.Context(), rank.Ask{Limit: 1000})
	must(t, err)
	return page.Rows
}

func openLedger(t *testing.T, s *Store) *rank.Ledger {
	t.Helper()
	l, err := rank.NewLedger(t.Context(), rank.LedgerConfig{Log: s.Scores()}, []metrics.Leaderboard{plainLeaderboard("arcade")})
	must(t, err)
	return l
}

// The whole way of a score: what was acknowledged stands as it stood after a crash, merged or not.
func TestStandingsSurviveACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	ledger := openLedger(t, s)
	for i := range 600 {
		_, _, err := ledger.Submit(t.Context(), rank.Submission{Board: "arcade", Key: fmt.Sprint(i), By: "local", Scores: []metrics.Score{
			{Player: fmt.Sprintf("p%d", i%200), Name: "Ada", Value: float64(i * 7919 % 1009), At: time.Now().UnixMilli()},
			{Player: "bob", Value: 0.5 * float64(i), At: time.Now().UnixMilli(), Attributes: metrics.Labels{{Name: "team", Value: "red"}}},
		}})
		must(t, err)
	}
	want := standings(t, ledger)
	ledger.Close()
	must(t, crash(s))
	s = openStore(t, path)
	again := openLedger(t, s)
	if diff := cmp.Diff(want, standings(t, again)); diff != "" || len(want) != 201 {
		t.Errorf("%d rows (-before +after):\n%s", len(want), diff)
	}
	_, repeated, err := again.Submit(t.Context(), rank.Submission{Board: "arcade", Key: "599", By: "local", Scores: []metrics.Score{{Player: "p1"}}})
	if !repeated || err != nil {
		t.Errorf("a key of before the crash: got repeated %v and error %v, want the answer once more", repeated, err)
	}
	again.Close()
}
