package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"liveboard/metrics"
)

// told is one call of BoardFile.Run.
type told struct {
	board *metrics.Board
	err   error
}

// follow opens and runs the board file at path and returns what it tells. Only events wake it:
// the poll would hide an event that is missing.
func follow(t *testing.T, path string) (*BoardFile, <-chan told) {
	t.Helper()
	f, err := OpenBoard(path, BoardCheck{})
	if err != nil {
		t.Fatal(err)
	}
	f.poll = time.Hour
	return f, run(t, f)
}

func run(t *testing.T, f *BoardFile) <-chan told {
	ctx, cancel := context.WithCancel(t.Context())
	calls, done := make(chan told, 100), make(chan struct{})
	go func() {
		defer close(done)
		f.Run(ctx, func(b *metrics.Board, err error) { calls <- told{b, err} })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return calls
}

// titled is a board whose dashboard has that title.
func titled(title string) string {
	return "dashboards: [{name: a, title: " + title + ", panels: []}]\n"
}

func write(t *testing.T, path, src string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, path, src string) {
	t.Helper()
	write(t, path+".new", src)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func wantTitle(t *testing.T, calls <-chan told, title string) *metrics.Board {
	t.Helper()
	got := <-calls
	if got.err != nil {
		t.Fatalf("got %v, want the board titled %q", got.err, title)
	}
	if got.board.Dashboards[0].Title != title {
		t.Fatalf("got the board titled %q, want %q", got.board.Dashboards[0].Title, title)
	}
	return got.board
}

func wantError(t *testing.T, calls <-chan told, part string) {
	t.Helper()
	if got := <-calls; got.board != nil || got.err == nil || !strings.Contains(got.err.Error(), part) {
		t.Fatalf("got %v, %v, want an error with %q", got.board, got.err, part)
	}
}

func TestBoardFileFollowsWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, titled("one"))
	f, calls := follow(t, path)
	if got := f.Board().Dashboards[0].Title; got != "one" {
		t.Fatalf("opened the board titled %q, want one", got)
	}
	write(t, path, titled("two"))
	wantTitle(t, calls, "two")
	replace(t, path, titled("three"))
	wantTitle(t, calls, "three")
	write(t, path, titled("four"))
	wantTitle(t, calls, "four")
}

func TestBoardFileIsRefusedWhenBrokenAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, "dashboards: 1")
	var mistakes BoardErrors
	if _, err := OpenBoard(path, BoardCheck{}); !errors.As(err, &mistakes) {
		t.Errorf("got %v, want BoardErrors", err)
	}
}

func TestBoardFileKeepsTheLastGoodBoard(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, titled("one"))
	f, calls := follow(t, path)
	replace(t, path, "dashboards: [")
	wantError(t, calls, "b.yaml:1:13: this is not valid YAML")
	replace(t, path, "")
	wantError(t, calls, "b.yaml:1:1: the file is empty")
	replace(t, path, titled("one"))
	if got := wantTitle(t, calls, "one"); got != f.Board() {
		t.Error("a file mended to what it was made a new board")
	}
}

// A shell empties the file first, then starts the command that fills it.
func TestBoardFileIsGivenTimeToFill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, titled("one"))
	f, err := OpenBoard(path, BoardCheck{})
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	look := func() {
		f.look(func(b *metrics.Board, err error) {
			if err != nil {
				calls = append(calls, err.Error())
				return
			}
			calls = append(calls, b.Dashboards[0].Title)
		})
	}
	write(t, path, "")
	look()
	look()
	write(t, path, titled("two"))
	look()
	look()
	if !slices.Equal(calls, []string{"two"}) {
		t.Errorf("a file that was empty for a while told %q, want the new board alone", calls)
	}
}

func TestBoardFileVanishesAndComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, titled("one"))
	_, calls := follow(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := <-calls; got.board != nil || !errors.Is(got.err, fs.ErrNotExist) {
		t.Fatalf("got %v, %v, want that the file is gone", got.board, got.err)
	}
	write(t, path, titled("two"))
	wantTitle(t, calls, "two")
}

func TestBoardFileMayAppearLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	f, calls := follow(t, path)
	if got := f.Board().Dashboards[0].Name; got != "host" {
		t.Fatalf("without a file the dashboard is %q, want the built-in host", got)
	}
	write(t, path, "dashboards: [")
	wantError(t, calls, "not valid YAML")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := wantTitle(t, calls, "This machine"); got != f.Board() {
		t.Error("a broken file that went away did not give way to the built-in board")
	}
	write(t, path, titled("mine"))
	wantTitle(t, calls, "mine")
}

// Kubernetes mounts a ConfigMap as a link to ..data, itself a link that is swapped by a rename.
func TestBoardFileFollowsASwappedLink(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "b.yaml")
	swap := func(version, src string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(folder, version), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, version, "b.yaml"), src)
		if err := os.Symlink(version, filepath.Join(folder, "..tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(folder, "..tmp"), filepath.Join(folder, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap("..1", titled("one"))
	if err := os.Symlink(filepath.Join("..data", "b.yaml"), path); err != nil {
		t.Fatal(err)
	}
	_, calls := follow(t, path)
	swap("..2", titled("two"))
	wantTitle(t, calls, "two")
}

func TestBoardFileIsSilentWithoutADifference(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, titled("one"))
	_, calls := follow(t, path)
	replace(t, path, titled("one"))
	write(t, path+".other", "x")
	replace(t, path, titled("two"))
	wantTitle(t, calls, "two") // and not one before it
}

func TestBoardFileTakesWhatHappenedBeforeRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, titled("one"))
	f, err := OpenBoard(path, BoardCheck{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, titled("two"))
	f.poll = time.Hour
	wantTitle(t, run(t, f), "two")
}

// The link's target lies in a folder that is not watched, as on systems that tell of no changes.
func TestBoardFilePollsWhereNoEventsCome(t *testing.T) {
	path, target := filepath.Join(t.TempDir(), "b.yaml"), filepath.Join(t.TempDir(), "target.yaml")
	write(t, target, titled("one"))
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	f, err := OpenBoard(path, BoardCheck{})
	if err != nil {
		t.Fatal(err)
	}
	f.poll = time.Millisecond
	calls := run(t, f)
	replace(t, target, titled("two"))
	wantTitle(t, calls, "two")
	replace(t, target, titled("three"))
	wantTitle(t, calls, "three")
}

// Half a file can be a whole board: what is still being written must not be told.
func TestBoardFileWaitsUntilAWriteHasSettled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "b.yaml")
	write(t, path, titled("one"))
	f, err := OpenBoard(path, BoardCheck{})
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(b *metrics.Board, err error) { t.Errorf("told %v, %v of a file that still moves", b, err) }
	for _, title := range []string{"two", "three", "four"} {
		write(t, path, titled(title))
		if f.look(refuse) == nil {
			t.Error("a file that has changed is not looked at again")
		}
	}
	var got *metrics.Board
	if f.look(func(b *metrics.Board, _ error) { got = b }) != nil {
		t.Error("a settled file is looked at again")
	}
	if got == nil || got.Dashboards[0].Title != "four" {
		t.Errorf("told %v, want the board titled four", got)
	}
}
