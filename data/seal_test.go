package data

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"liveboard/metrics"
)

// groupsLeft is the number of groups in the journal.
func groupsLeft(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.readers.QueryRow("SELECT COUNT(*) FROM journal").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStoreSealsByItself(t *testing.T) {
	tests := []struct {
		name string
		wait func(s *Store)
	}{
		{"when it is time", func(*Store) { time.Sleep(sealEvery) }},
		{"when the journal is long", func(s *Store) { s.grow(maxJournalBytes) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "liveboard.db")
			synctest.Test(t, func(t *testing.T) {
				s := openStore(t, path)
				record(t, s, samplesOf(newSeries(t, "up"), 0, 200))
				synctest.Wait()
				if n := groupsLeft(t, s); n != 1 {
					t.Errorf("got %d groups in the journal before the seal, want 1", n)
				}
				tt.wait(s)
				synctest.Wait()
				if n := groupsLeft(t, s); n != 0 {
					t.Errorf("got %d groups in the journal after the seal, want none", n)
				}
			})
		})
	}
}

// Samples move from memory to the file while they are read: they are never in neither.
func TestReadsDuringSealsMissNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	up := newSeries(t, "up")
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := s.Seal(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	defer wg.Wait()
	defer stop()
	const part = 150
	for i := range int64(40) {
		from := (i*7%40 + 1) * part // every part once, most of them late
		record(t, s, samplesOf(up, from, from+part))
		got, err := read(s, "up", 0, 1<<60)
		if err != nil || int64(len(got)) != (i+1)*part {
			t.Fatalf("after part %d: got %d points and error %v, want %d", i, len(got), err, (i+1)*part)
		}
	}
}

func TestSealWritesEveryPartOfManySeries(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	var group []metrics.Sample
	for i := range 3*sealSeries + 1 {
		one := samplesOf(newSeries(t, fmt.Sprintf("m%d", i)), 0, 2)
		group = append(group, one...)
	}
	for part := range slices.Chunk(group, len(group)/(3*sealGroups)) {
		record(t, s, part)
	}
	seal(t, s)
	if n := groupsLeft(t, s); n != 0 {
		t.Errorf("got %d groups left in the journal, want none", n)
	}
	if left, _ := s.head.Unsealed(0, s.head.Len()); len(left) != 0 {
		t.Errorf("%d series would be sealed once more", len(left))
	}
	if err := crash(s); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path)
	if n := s.head.Len(); n != 3*sealSeries+1 {
		t.Fatalf("got %d series, want %d", n, 3*sealSeries+1)
	}
	for i := 0; i < len(group); i += 2 {
		wantPoints(t, s, group[i].Series.Name(), pointsOf(0, 2))
	}
}
