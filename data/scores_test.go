package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

var _ rank.Log = (*ScoreLog)(nil)

// scoresFrom returns n scores, numbered from first on, whose values are their numbers.
func scoresFrom(first uint64, n int) []rank.Entry {
	entries := make([]rank.Entry, n)
	for i := range entries {
		number := first + uint64(i)
		at := int64(1.7e12) + 40*int64(number)
		entries[i] = rank.Entry{Number: number, Kind: rank.Scored, Board: "arcade", Received: at, At: at - 7, Player: uint32(number % 100), Value: float64(number)}
		if number > 100 {
			entries[i].Previous = number - 100
		}
	}
	return entries
}

func appendScores(t rapid.TB, l *ScoreLog, entries []rank.Entry) {
	t.Helper()
	must(t, l.Append(context.Background(), entries, nil))
}

// allEntries returns what Entries yields.
func allEntries(t rapid.TB, l *ScoreLog, board string) (entries []rank.Entry) {
	t.Helper()
	for e, err := range l.Entries(context.Background(), board) {
		must(t, err)
		entries = append(entries, *e)
	}
	return entries
}

// rowsLeft is the number of rows that hold the log.
func rowsLeft(t rapid.TB, l *ScoreLog) (n int) {
	t.Helper()
	must(t, l.readers.QueryRow("SELECT COUNT(*) FROM scores").Scan(&n))
	return n
}

// However entries come, and whenever their rows are merged and the process is killed, what is read
// is what was appended.
func TestScoresReadAsTheyWereAppended(t *testing.T) {
	t.Parallel()
	folder, n := t.TempDir(), 0
	empty := emptyDatabase(t)
	rapid.Check(t, func(t *rapid.T) {
		n++
		path := filepath.Join(folder, strconv.Itoa(n)+".db")
		must(t, os.WriteFile(path, empty, 0o600))
		s := reopened(t, path)
		defer func() { must(t, crash(s)) }()
		var model []rank.Entry
		for range rapid.IntRange(1, 8).Draw(t, "groups") {
			group := drawGroupOfScores(t, uint64(len(model)+1))
			appendScores(t, s.scores, group)
			model = append(model, group...)
			switch rapid.SampledFrom([]string{"go on", "merge", "crash", "close"}).Draw(t, "then") {
			case "merge":
				must(t, s.scores.Merge(context.Background()))
			case "crash":
				must(t, crash(s))
				s = reopened(t, path)
			case "close":
				must(t, s.Close())
				s = reopened(t, path)
			}
			checkScores(t, s.scores, model)
		}
	})
}

// drawGroupOfScores draws a few odd entries or many plain ones.
func drawGroupOfScores(t *rapid.T, first uint64) []rank.Entry {
	if rapid.Bool().Draw(t, "many") {
		return scoresFrom(first, rapid.IntRange(1, 2*maxRowEntries+10).Draw(t, "scores"))
	}
	return drawEntries(t, first, 10)
}

func checkScores(t *rapid.T, l *ScoreLog, model []rank.Entry) {
	t.Helper()
	if got := allEntries(t, l, ""); !reflect.DeepEqual(model, got) { // cmp takes its time over thousands
		t.Fatalf("entries (-want +got):\n%s", cmp.Diff(model, got))
	}
	if got := l.Last(); got != uint64(len(model)) {
		t.Fatalf("the last entry is %d, want %d", got, len(model))
	}
	for range 5 {
		want := rapid.SampledFrom(model).Draw(t, "entry")
		got, err := l.Entry(context.Background(), want.Number)
		must(t, err)
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("entry %d (-want +got):\n%s", want.Number, cmp.Diff(want, got))
		}
	}
}

func TestEntriesAreThoseOfALeaderboard(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	appendScores(t, l, []rank.Entry{{Number: 1, Board: "a"}, {Number: 2, Board: "b"}, {Number: 3, Board: "a"}})
	for board, want := range map[string]string{"": "[1 2 3]", "a": "[1 3]", "b": "[2]", "c": "[]"} {
		numbers := []uint64{}
		for _, e := range allEntries(t, l, board) {
			numbers = append(numbers, e.Number)
		}
		if got := fmt.Sprint(numbers); got != want {
			t.Errorf("entries of %q are %s, want %s", board, got, want)
		}
	}
	for e, err := range l.Entries(t.Context(), "") {
		if err != nil || e.Number != 1 {
			t.Errorf("got entry %d and error %v, want the first", e.Number, err)
		}
		break // which must let go of the connection
	}
	appendScores(t, l, []rank.Entry{{Number: 4, Board: "a"}})
}

func TestAppendRefusesNumbersThatDoNotFollow(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	for _, numbers := range [][]uint64{{0}, {2}, {1, 3}, {1, 1}} {
		var entries []rank.Entry
		for _, n := range numbers {
			entries = append(entries, rank.Entry{Number: n})
		}
		if err := l.Append(t.Context(), entries, nil); err == nil {
			t.Errorf("got no error for the numbers %v in an empty log", numbers)
		}
	}
	if l.Last() != 0 || rowsLeft(t, l) != 0 {
		t.Errorf("the last entry is %d in %d rows, want none", l.Last(), rowsLeft(t, l))
	}
}

func TestAppendOfScoresThatFailsLeavesNothing(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	tests := []struct {
		name     string
		cancel   bool
		requests []rank.Request
	}{
		{"cancelled", true, nil},
		{"a request that cannot be stored", false, []rank.Request{{Board: "a", Key: "k"}, {Board: "a", Key: "l", First: 1 << 63}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if tt.cancel {
				cancel()
			}
			if err := l.Append(ctx, scoresFrom(1, 3000), tt.requests); err == nil {
				t.Error("got no error")
			}
			_, ok, err := l.Request(t.Context(), "a", "k")
			if l.Last() != 0 || rowsLeft(t, l) != 0 || ok || err != nil {
				t.Errorf("got %d entries in %d rows, request %v, error %v, want nothing", l.Last(), rowsLeft(t, l), ok, err)
			}
		})
	}
	appendScores(t, l, scoresFrom(1, 3))
}

func TestEntryThatIsNotThereIsNotFound(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	appendScores(t, l, scoresFrom(1, 3))
	for _, number := range []uint64{0, 4, 1 << 63} {
		if _, err := l.Entry(t.Context(), number); metrics.KindOf(err) != metrics.NotFound {
			t.Errorf("entry %d: got error %v, want one of kind NotFound", number, err)
		}
	}
}

func TestScoresMergeByThemselves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		l := openStore(t, path).Scores()
		for first := uint64(1); first <= 2*maxRowEntries+200; first += 100 {
			appendScores(t, l, scoresFrom(first, 100))
		}
		synctest.Wait()
		if n := rowsLeft(t, l); n > 5 {
			t.Errorf("%d rows are left, want two full ones and the last few", n)
		}
	})
}

func TestMergeLeavesBigRowsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	for first := uint64(1); first < 5*700; first += 700 {
		appendScores(t, s.scores, scoresFrom(first, 700))
	}
	must(t, s.scores.Merge(t.Context()))
	if n := rowsLeft(t, s.scores); n != 5 {
		t.Errorf("%d rows are left, want 5 of which no two fit one", n)
	}
	must(t, crash(s))
	if got := openStore(t, path).scores.merged.Load(); got != 4*700 {
		t.Errorf("the next merge begins after entry %d, want %d: the last row may still grow", got, 4*700)
	}
}

func TestMergeMakesNoRowThatIsTooLong(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	long := strings.Repeat("x", maxMergedBytes/2)
	for number := uint64(1); number <= 4; number++ {
		appendScores(t, l, []rank.Entry{{Number: number, Board: "a", Reason: long}})
	}
	must(t, l.Merge(t.Context()))
	if n := rowsLeft(t, l); n != 4 {
		t.Errorf("%d rows are left, want the 4 of which no two fit one", n)
	}
}

// Rows go away under those who read single entries and all of them.
func TestReadsDuringMergesMissNothing(t *testing.T) {
	t.Parallel()
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	appendScores(t, l, scoresFrom(1, 60))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for reader := range uint64(3) {
		wg.Go(func() {
			for i := reader; ctx.Err() == nil; i += 7919 {
				number := i%l.Last() + 1
				if e, err := l.Entry(context.Background(), number); err != nil || e.Value != float64(number) {
					t.Errorf("entry %d: got %+v and error %v", number, e, err)
				}
			}
		})
	}
	defer wg.Wait()
	defer stop()
	for first := uint64(61); first < 6000; first += 60 {
		appendScores(t, l, scoresFrom(first, 60))
		if first%600 == 1 {
			if got, want := len(allEntries(t, l, "")), int(first+59); got != want {
				t.Fatalf("got %d entries, want %d", got, want)
			}
		}
	}
}

func TestScoreCacheIsBounded(t *testing.T) {
	var c scoreCache
	for first := uint64(1); first < 1000; first += 2 {
		c.put(scoresFrom(first, 2))
		if _, ok := c.entry(2); !ok { // asked for again and again, so it stays
			t.Fatalf("entry 2 is gone after the block from %d on", first)
		}
	}
	if len(c.blocks) != maxCachedBlocks {
		t.Errorf("it holds %d blocks, want %d", len(c.blocks), maxCachedBlocks)
	}
	for number, want := range map[uint64]bool{0: false, 1: true, 3: false, 999: true, 1000: true, 1001: false} {
		if e, ok := c.entry(number); ok != want || ok && e.Number != number {
			t.Errorf("entry %d: got %d, %v, want %v", number, e.Number, ok, want)
		}
	}
}

func TestDamagedScoresAreToldWithTheirPlace(t *testing.T) {
	t.Parallel()
	torn, err := encodeScores(scoresFrom(11, 9))
	must(t, err)
	tests := []struct {
		name, sql string
		args      []any
		place     string
	}{
		{"bytes", "UPDATE scores SET payload = ZEROBLOB(LENGTH(payload)) WHERE first = 11", nil, "scores from entry 11"},
		{"number of entries", "UPDATE scores SET payload = ? WHERE first = 11", []any{torn}, "it has 9 entries, not 10"},
		{"missing row", "DELETE FROM scores WHERE first = 11", nil, "the next row begins at 21"},
		{"missing first row", "DELETE FROM scores WHERE first = 1", nil, "the next row begins at 11"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "liveboard.db")
			s, err := openQuiet(path)
			must(t, err)
			for first := uint64(1); first < 30; first += 10 {
				appendScores(t, s.scores, scoresFrom(first, 10))
			}
			must(t, crash(s))
			change(t, path, tt.sql, tt.args...)
			l := openStore(t, path).Scores()
			for _, err = range l.Entries(t.Context(), "") {
			}
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.place) {
				t.Errorf("entries: got error %v, want ErrDamaged with %q", err, tt.place)
			}
			if err := l.Merge(t.Context()); !errors.Is(err, ErrDamaged) {
				t.Errorf("merge: got error %v, want ErrDamaged", err)
			}
		})
	}
}

func TestEntryInADamagedRowIsAnError(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	appendScores(t, l, scoresFrom(1, 10))
	appendScores(t, l, scoresFrom(11, 10))
	appendScores(t, l, scoresFrom(21, 10))
	for _, sql := range []string{"UPDATE scores SET payload = ZEROBLOB(9) WHERE first = 1", "DELETE FROM scores WHERE first = 21"} {
		if _, err := l.writer.Exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, number := range []uint64{5, 25} {
		if _, err := l.Entry(t.Context(), number); !errors.Is(err, ErrDamaged) {
			t.Errorf("entry %d: got error %v, want ErrDamaged", number, err)
		}
	}
	if _, err := l.Entry(t.Context(), 15); err != nil {
		t.Errorf("entry 15: got error %v from the sound part", err)
	}
}
