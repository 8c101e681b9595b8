package panels

import (
	"errors"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

func leaderboardInput(t *testing.T, names ...string) Input {
	page := standing(names...)
	p := panel(t, metrics.Panel{Kind: "leaderboard", Title: "Arcade", Leaderboard: "arcade"})
	return Input{Dashboard: "d", Panel: p, Window: metrics.Range{Span: time.Hour}.Window(noon), Now: noon, Ranking: &page}
}

func TestALeaderboardPanelIsAsOldAsItsNewestScoreAndNeverStale(t *testing.T) {
	in := leaderboardInput(t, "nova")
	in.Now = noon.Add(48 * time.Hour)
	in.Window = metrics.Range{Span: time.Hour}.Window(in.Now)
	got := Make(in, nil)
	if got.At != in.Ranking.NewestAt || got.State != Fresh || got.age != "2 d" {
		t.Errorf("got %d %s %q, want %d fresh and its age", got.At, got.State, got.age, in.Ranking.NewestAt)
	}
}

func TestALeaderboardPanelMovesByItsRanking(t *testing.T) {
	before, after := Make(leaderboardInput(t, "nova", "Ada"), nil), leaderboardInput(t, "nova", "Ada")
	after.Ranking.Rows[1].Score++
	got, ok := Make(after, before).Ranking.Next(before.Ranking)
	if !ok || !strings.HasPrefix(string(got), `<live-rows for="p-d-p-ranking"`) || !strings.Contains(string(got), `<li id="p-d-p-ranking-r-1"`) {
		t.Errorf("got %s, %v", got, ok)
	}
}

func TestALeaderboardPanelSaysWhyItHasNone(t *testing.T) {
	in := leaderboardInput(t)
	in.Ranking, in.RankingErr = nil, errors.New("there is no leaderboard named \"arcade\"")
	if got := Make(in, nil); got.State != Failed || !strings.Contains(html(t, got), "there is no leaderboard named") {
		t.Errorf("got %s: %s", got.State, html(t, got))
	}
	in = leaderboardInput(t)
	if got := Make(in, nil); got.State != Empty {
		t.Errorf("got %s, want empty", got.State)
	}
}
