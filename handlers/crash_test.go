package handlers

import (
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// batchSamples is how many samples a batch of these tests has: enough to be halved.
const batchSamples = 40

// batchesFrom is the time of the first batch.
var batchesFrom = time.Now().Add(-time.Hour).UnixMilli()

// batchText is a batch whose samples all bear its number as their value, and a time that no other batch has.
func batchText(number int) string {
	var b strings.Builder
	for i := range batchSamples {
		fmt.Fprintf(&b, "load{batch=\"%d\",sample=\"%d\"} %d %d\n", number%50, i, number, batchesFrom+int64(number))
	}
	return b.String()
}

// storedBatches counts the samples of each batch in the database at path.
func storedBatches(t *testing.T, path string) map[string]int {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(succeed(t, "export", "--query=load", "--data="+path))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]int{}
	for _, line := range lines[1:] {
		stored[line[2]]++
	}
	return stored
}

// wantWhole holds a database to the batches that were acknowledged: they are all there, and of the others nothing or all.
func wantWhole(t *testing.T, path string, acked []int) {
	t.Helper()
	stored := storedBatches(t, path)
	missing, torn := 0, 0
	for _, number := range acked {
		if stored[fmt.Sprint(number)] == 0 {
			missing++
		}
	}
	for _, n := range stored {
		if n != batchSamples {
			torn++
		}
	}
	t.Logf("%d batches acknowledged, %d of them missing; %d stored, %d of them torn", len(acked), missing, len(stored), torn)
	if len(acked) == 0 || missing > 0 || torn > 0 {
		t.Fail()
	}
}

// sender pushes batches from many connections until its context ends, each with a number of its own.
type sender struct {
	mu     sync.Mutex
	number int
	acked  []int
}

func (s *sender) next() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	return s.number
}

func (s *sender) ack(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked = append(s.acked, number)
}

// load pushes to url until nobody answers there. It tells begun when the first batch is acknowledged.
func (s *sender) load(url string, begun context.CancelFunc) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			client := &http.Client{Transport: new(http.Transport)}
			defer client.CloseIdleConnections()
			for {
				number := s.next()
				resp, err := client.Post(url+"/api/push", textPlain, strings.NewReader(batchText(number)))
				if err != nil {
					return
				}
				resp.Body.Close()
				if resp.StatusCode == http.StatusNoContent {
					s.ack(number)
					begun()
				}
			}
		})
	}
	wg.Wait()
}

func TestKilledAtAnyMomentLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	const rounds = 50
	path := filepath.Join(t.TempDir(), "x.db")
	binary(t) // to build it is no part of a start
	var s sender
	var slowest time.Duration
	for range rounds {
		began := time.Now()
		p := startQuiet(t, path)
		eventually(t, "it is ready", func() bool { return do(t, "GET", p.URL+"/readyz", "").StatusCode == http.StatusOK })
		slowest = max(slowest, time.Since(began))
		loading, begun := context.WithCancel(t.Context())
		var load sync.WaitGroup
		load.Go(func() { s.load(p.URL, begun) })
		<-loading.Done()
		select { // any moment, of commits and checkpoints
		case <-time.After(rand.N(300 * time.Millisecond)):
		case <-p.exited:
			t.Fatalf("it ended by itself: %s", p.logged())
		}
		p.kill()
		load.Wait()
	}
	t.Logf("%d rounds; ready within %v of the start at most", rounds, slowest.Round(time.Millisecond))
	wantWhole(t, path, s.acked)
}
