package handlers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"liveboard/metrics"
)

// What TestRacingWritersEndAtTheNaiveModel sends.
const (
	racingWriters = 64
	racingScores  = 100_000
	racingPlayers = 500
	racingAtOnce  = 20 // scores a request
)

// Many write about the same players at once, and readers look on. The order in which the server
// took the scores is not known, so the model keeps what does not depend on it: the highest of each.
func TestRacingWritersEndAtTheNaiveModel(t *testing.T) {
	w := newLeague(t, nil, leaderboard("arcade", func(b *metrics.Leaderboard) {
		b.Ties, b.TieBreaks = metrics.Ordinal, []metrics.TieBreak{{Sub: "deaths", Order: metrics.Asc}}
	}))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: racingWriters}}
	defer client.CloseIdleConnections()
	var writers sync.WaitGroup
	sent := make([][]racingScore, racingWriters)
	for i := range racingWriters {
		writers.Go(func() { sent[i] = w.race(client, uint64(i)) })
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() { w.lookOn(client, stop) })
	writers.Wait()
	close(stop)
	readers.Wait()

	want := naive(slices.Concat(sent...))
	if got := w.allRanked(); !gocmp.Equal(want, got) {
		t.Errorf("want -, got +:\n%s", gocmp.Diff(want, got))
	}
}

type racingScore struct {
	Player string             `json:"player"`
	Score  float64            `json:"score"`
	Sub    map[string]float64 `json:"sub"`
}

// race sends a writer's share of the scores.
func (w *world) race(client *http.Client, seed uint64) (sent []racingScore) {
	random := rand.New(rand.NewPCG(seed, 1))
	for len(sent) < racingScores/racingWriters {
		var batch []racingScore
		for range racingAtOnce {
			batch = append(batch, racingScore{
				Player: fmt.Sprintf("p%d", random.IntN(racingPlayers)), Score: float64(random.IntN(300)), Sub: map[string]float64{"deaths": float64(random.IntN(3))},
			})
		}
		text, err := json.Marshal(batch)
		if err != nil {
			w.t.Error(err)
			return sent
		}
		resp, err := client.Post(w.api("/arcade/scores"), jsonType, strings.NewReader(string(text)))
		if err != nil || resp.StatusCode != http.StatusCreated {
			w.t.Errorf("a submission: %v, error %v", resp, err)
			return sent
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		sent = append(sent, batch...)
	}
	return sent
}

// lookOn reads standings until it is stopped: no rank may be there twice, and none may be missing.
func (w *world) lookOn(client *http.Client, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		resp, err := client.Get(w.api("/arcade?limit=1000"))
		if err != nil {
			w.t.Error(err)
			return
		}
		var page readPage
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		seen := map[string]bool{}
		for i, row := range page.Rows {
			if row.Rank != i+1 || seen[row.Player] {
				w.t.Errorf("row %d has the rank %d and the player %s, seen before: %v", i, row.Rank, row.Player, seen[row.Player])
				return
			}
			seen[row.Player] = true
		}
		if err != nil || len(page.Rows) != page.Total {
			w.t.Errorf("%d rows of %d, error %v", len(page.Rows), page.Total, err)
			return
		}
	}
}

// naive sorts the best score of each player. Who is equal is a set, sorted by id.
func naive(scores []racingScore) []string {
	best := map[string]racingScore{}
	better := func(a, b racingScore) int {
		return cmp.Or(-cmp.Compare(a.Score, b.Score), cmp.Compare(a.Sub["deaths"], b.Sub["deaths"]))
	}
	for _, s := range scores {
		if old, ok := best[s.Player]; !ok || better(s, old) < 0 {
			best[s.Player] = s
		}
	}
	var order []racingScore
	for _, s := range best {
		order = append(order, s)
	}
	slices.SortFunc(order, func(a, b racingScore) int { return cmp.Or(better(a, b), cmp.Compare(a.Player, b.Player)) })
	lines := make([]string, len(order))
	for i, s := range order {
		lines[i] = fmt.Sprintf("%s %v %v", s.Player, s.Score, s.Sub["deaths"])
	}
	return lines
}

// allRanked returns the standings as naive does, and holds the ranks to be 1, 2, 3 ….
func (w *world) allRanked() []string {
	w.t.Helper()
	page := decode[readPage](w.t, get200(w.t, w.api("/arcade?limit=1000")))
	for i, row := range page.Rows {
		if row.Rank != i+1 {
			w.t.Errorf("row %d has the rank %d", i, row.Rank)
		}
	}
	slices.SortFunc(page.Rows, func(a, b readRow) int {
		return cmp.Or(-cmp.Compare(a.Score, b.Score), cmp.Compare(a.Sub["deaths"], b.Sub["deaths"]), cmp.Compare(a.Player, b.Player))
	})
	lines := make([]string, len(page.Rows))
	for i, row := range page.Rows {
		lines[i] = fmt.Sprintf("%s %v %v", row.Player, row.Score, row.Sub["deaths"])
	}
	return lines
}
