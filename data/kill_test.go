package data

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"liveboard/metrics"
)

// These tell the test binary to be the process that gets killed, where its database is, and
// the instant of its first sample.
const (
	childPath = "LIVEBOARD_TEST_KILL"
	childFrom = "LIVEBOARD_TEST_KILL_FROM"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		from, err := strconv.ParseInt(os.Getenv(childFrom), 10, 64)
		if err != nil {
			panic(err)
		}
		recordUntilKilled(path, from)
	}
	// A check opens stores again and again: few long ones find more than many short ones. The
	// command line still has the last word.
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// recordUntilKilled records from four senders at once, without an end, and prints each
// sample's instant, which is its value too, once it is acknowledged. Beside them it appends scores.
func recordUntilKilled(path string, from int64) {
	s, err := openQuiet(path)
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			if err := s.Seal(context.Background()); err != nil {
				panic(err)
			}
		}
	}()
	go func() {
		for {
			if err := s.Rollup(context.Background(), time.Now()); err != nil {
				panic(err)
			}
		}
	}()
	go appendUntilKilled(s.Scores())
	r := metrics.NewRecorder(metrics.RecorderConfig{Log: s, Applier: s.Head()})
	for sender := range int64(4) {
		go func() {
			up, err := metrics.NewSeries("up", metrics.Label{Name: "host", Value: "a"})
			for at := from + sender; err == nil; at += 4 {
				err = r.Record(context.Background(), metrics.Batch{Samples: []metrics.Sample{{Series: up, At: at, Value: float64(at)}}})
				fmt.Println(at)
			}
			panic(err)
		}()
	}
	select {}
}

// appendUntilKilled appends scores, which get merged as they become many, and prints the number of
// the last one that is acknowledged, with a minus.
func appendUntilKilled(l *ScoreLog) {
	const group = 100
	for {
		if err := l.Append(context.Background(), scoresFrom(l.Last()+1, group), nil); err != nil {
			panic(err)
		}
		fmt.Println(-int64(l.Last()))
	}
}

func TestKillLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	acked, lastScore := make(map[int64]bool), uint64(0)
	start := time.Now().Add(-24 * time.Hour)
	for i := range 3 { // each over what the one before left, and each with an hour of its own
		from := start.Add(time.Duration(i) * time.Hour).UnixMilli()
		for _, at := range killed(t, path, from, 200) {
			if at < 0 {
				lastScore = uint64(-at)
				continue
			}
			acked[at] = true
		}
	}
	s := openStore(t, path)
	stored, err := read(s, "up", 0, 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range stored {
		if p.Value == float64(p.At) {
			delete(acked, p.At)
		}
	}
	if len(acked) > 0 {
		t.Errorf("%d acknowledged samples are lost: %v", len(acked), acked)
	}
	checkAcknowledgedScores(t, s.Scores(), lastScore)
}

func checkAcknowledgedScores(t *testing.T, l *ScoreLog, last uint64) {
	t.Helper()
	scores := allEntries(t, l, "")
	if last == 0 || uint64(len(scores)) < last || l.Last() != uint64(len(scores)) {
		t.Errorf("got %d scores, the last is %d, want those up to %d", len(scores), l.Last(), last)
	}
	for i, e := range scores {
		if e.Number != uint64(i+1) || e.Value != float64(i+1) {
			t.Fatalf("entry %d is %+v", i+1, e)
		}
	}
}

// killed starts a child on path, kills it after n acknowledgements, and returns all it gave.
func killed(t *testing.T, path string, from int64, n int) (acked []int64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path, childFrom+"="+strconv.FormatInt(from, 10))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		at, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if acked = append(acked, at); len(acked) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acked) < n {
		t.Fatalf("the child ended with %v after %d acknowledgements, want it killed after %d", err, len(acked), n)
	}
	return acked
}
