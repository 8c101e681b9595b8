package data

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// filled returns the path of a closed database with chunks, a group in the journal, scores and a token, and the token's secret.
func filled(t *testing.T) (path, secret string) {
	t.Helper()
	path = closedDatabase(t)
	s, err := openQuiet(path)
	must(t, err)
	appendScores(t, s.scores, scoresFrom(1, 20))
	appendScores(t, s.scores, scoresFrom(21, 10))
	secret, _ = createToken(t, s.tokens, 0)
	must(t, crash(s))
	return path, secret
}

// wantFilled opens the database at path, which must hold what filled made.
func wantFilled(t *testing.T, path, secret string) {
	t.Helper()
	s := openStore(t, path)
	wantPoints(t, s, "up", pointsOf(0, 310))
	if n := len(allEntries(t, s.scores, "")); n != 30 {
		t.Errorf("got %d scores, want 30", n)
	}
	if _, err := s.tokens.Check(t.Context(), secret); err != nil {
		t.Errorf("got error %v for the token", err)
	}
}

func wantSaid(t *testing.T, err error, sentence string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), sentence) {
		t.Errorf("got error %v, want that %s", err, sentence)
	}
}

// wantAlone holds a folder to those files, so that nothing half done is left in it.
func wantAlone(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

func TestBackupRestoresToTheSame(t *testing.T) {
	path, secret := filled(t)
	file := filepath.Join(t.TempDir(), "50% ?mode=memory&a#b.db")
	must(t, Backup(t.Context(), path, file, false))
	wantAlone(t, filepath.Dir(file), filepath.Base(file))
	fresh := filepath.Join(t.TempDir(), "new", "liveboard.db")
	must(t, Restore(t.Context(), file, fresh, false))
	wantAlone(t, filepath.Dir(fresh), "liveboard.db", "liveboard.db.lock")
	wantFilled(t, fresh, secret)
	found, err := Verify(t.Context(), file)
	must(t, err)
	if found.Series != 1 || found.Samples != 310 || found.Scores != 30 || found.Chunks == 0 || found.Groups == 0 || found.Err() != nil {
		t.Errorf("the backup holds %+v", found)
	}
}

// What is recorded while a backup is being made is in it up to some group, and nothing of it waits.
func TestBackupBesideAServerThatWritesIsOfOneMoment(t *testing.T) {
	path, folder := filepath.Join(t.TempDir(), "liveboard.db"), t.TempDir()
	s := openStore(t, path)
	up := newSeries(t, "up")
	record(t, s, samplesOf(up, 0, 100))
	done := make(chan struct{})
	var made sync.WaitGroup
	var err error
	made.Go(func() {
		defer close(done)
		for i := 0; i < 5 && err == nil; i++ {
			err = Backup(t.Context(), path, filepath.Join(folder, "b.db"), true)
		}
	})
	last := int64(100)
	for under := true; under; last += 10 {
		record(t, s, samplesOf(up, last, last+10))
		seal(t, s)
		select {
		case <-done:
			under = false
		default:
		}
	}
	made.Wait()
	must(t, err)
	b := openStore(t, filepath.Join(folder, "b.db"))
	got, err := read(b, "up", 0, 1<<60)
	must(t, err)
	if n := int64(len(got)); n < 100 || n > last || n%10 != 0 {
		t.Errorf("the backup holds %d samples, want whole groups, 100 to %d", n, last)
	}
	wantPoints(t, b, "up", pointsOf(0, int64(len(got))))
}

func TestBackupAndRestoreReplaceNothingUnasked(t *testing.T) {
	path, secret := filled(t)
	other := filepath.Join(t.TempDir(), "other.db")
	must(t, os.WriteFile(other, []byte("precious"), 0o600))
	wantSaid(t, Backup(t.Context(), path, other, false), "exists already")
	wantSaid(t, Backup(t.Context(), path, path, true), "the same file")
	wantSaid(t, Restore(t.Context(), path, path, true), "the same file")
	wantSaid(t, Restore(t.Context(), path, other, false), "exists already")
	wantSaid(t, Backup(t.Context(), other+".not", other, true), "there is no database")
	wantSaid(t, Restore(t.Context(), other+".not", path, true), "there is no database")
	if got := readFile(t, other); string(got) != "precious" {
		t.Errorf("the file holds %q", got)
	}
	must(t, Backup(t.Context(), path, other, true))
	wantFilled(t, other, secret)
}

func TestBackupAndRestoreSayWhichFileIsMeant(t *testing.T) {
	path, _ := filled(t)
	folder := t.TempDir()
	wantSaid(t, Backup(t.Context(), path, folder, false), folder+" is a folder: name a file in it")
	wantSaid(t, Backup(t.Context(), path, folder, true), folder+" is a folder: name a file in it")
	wantSaid(t, Backup(t.Context(), path, filepath.Join(folder, "none", "b.db"), false), "there is no folder "+filepath.Join(folder, "none"))
	wantSaid(t, Backup(t.Context(), folder, filepath.Join(folder, "b.db"), false), folder+" is a folder, not a database")
	wantSaid(t, Restore(t.Context(), folder, path, true), folder+" is a folder, not a database")
	wantAlone(t, folder)
}

func TestFindingsCountWhatTheyLeaveOut(t *testing.T) {
	f := Findings{Problems: []string{"a", "b"}}
	wantSaid(t, f.Err(), "the database is damaged: a (and 1 more)")
}

func TestFileThatIsNoDatabaseIsCalledThat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.yaml")
	must(t, os.WriteFile(path, []byte(strings.Repeat("dashboards: []\n", 1000)), 0o600))
	_, opened := openQuiet(path)
	_, verified := Verify(t.Context(), path)
	restored := Restore(t.Context(), path, filepath.Join(t.TempDir(), "x.db"), false)
	for _, err := range []error{opened, verified, restored} {
		if !errors.Is(err, ErrNoDatabase) || !errors.Is(err, ErrDamaged) {
			t.Errorf("got error %v, want ErrNoDatabase, which is ErrDamaged too", err)
		}
		wantSaid(t, err, "the file is no database, or the database is damaged at its beginning")
	}
}

func TestRestoreIsRefusedWhileAServerHasTheDatabase(t *testing.T) {
	path, _ := filled(t)
	used := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, used)
	for _, over := range []bool{false, true} {
		wantSaid(t, Restore(t.Context(), path, used, over), "in use by another liveboard process")
	}
	record(t, s, samplesOf(newSeries(t, "up"), 0, 3))
}

// A log that is left beside the database belongs to what was there before.
// The log cannot go while somebody reads, and without it the old database would not be whole.
func TestRestoreIsRefusedWhileAnotherProcessReads(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, file := filepath.Join(folder, "liveboard.db"), filepath.Join(folder, "backup.db")
	s, err := openQuiet(path)
	must(t, err)
	record(t, s, samplesOf(newSeries(t, "up"), 0, 100))
	must(t, Backup(t.Context(), path, file, false))
	reader, err := open(path, peekSettings, 1)
	must(t, err)
	tx, err := reader.Begin()
	must(t, err)
	if _, err := userVersion(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	record(t, s, samplesOf(newSeries(t, "up"), 100, 200))
	must(t, crash(s))
	if err := Restore(t.Context(), file, path, true); err == nil || !strings.Contains(err.Error(), "another process reads the database") {
		t.Errorf("got error %v, want that another process reads", err)
	}
	must(t, errors.Join(tx.Rollback(), reader.Close()))
	wantPoints(t, openStore(t, path), "up", pointsOf(0, 200))
}

func TestRestoreLeavesNoOldLog(t *testing.T) {
	path, secret := filled(t)
	old := filepath.Join(t.TempDir(), "old.db")
	s, err := openQuiet(old)
	must(t, err)
	record(t, s, samplesOf(newSeries(t, "old"), 0, 1000))
	wal, shm := readFile(t, old+"-wal"), readFile(t, old+"-shm")
	must(t, crash(s))
	for _, damaged := range []bool{false, true} {
		must(t, os.WriteFile(old+"-wal", wal, 0o600))
		must(t, os.WriteFile(old+"-shm", shm, 0o600))
		if damaged {
			must(t, os.WriteFile(old, []byte(strings.Repeat("no database ", 1000)), 0o600))
		}
		must(t, Restore(t.Context(), path, old, true))
		wantAlone(t, filepath.Dir(old), "old.db", "old.db.lock")
		found, err := Verify(t.Context(), old)
		must(t, err)
		if found.Err() != nil || found.Series != 1 {
			t.Errorf("damaged before: %v: the restored database holds %+v", damaged, found)
		}
	}
	wantFilled(t, old, secret)
}

func TestDamagedBackupIsNotRestored(t *testing.T) {
	path, secret := filled(t)
	file := filepath.Join(t.TempDir(), "b.db")
	must(t, Backup(t.Context(), path, file, false))
	change(t, file, "UPDATE chunks SET data = ZEROBLOB(LENGTH(data)) WHERE from_at = 0")
	err := Restore(t.Context(), file, path, true)
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("got error %v, want ErrDamaged", err)
	}
	wantSaid(t, err, "chunk of series 1, tier 0, from 0")
	must(t, os.WriteFile(file, readFile(t, file)[:8192], 0o600))
	if err := Restore(t.Context(), file, path, true); !errors.Is(err, ErrDamaged) {
		t.Errorf("half a file: got error %v, want ErrDamaged", err)
	}
	wantFilled(t, path, secret)
	wantAlone(t, filepath.Dir(path), "liveboard.db", "liveboard.db-shm", "liveboard.db-wal", "liveboard.db.lock")
}

func TestBackupOfADamagedDatabaseKeepsTheOneBefore(t *testing.T) {
	path, _ := filled(t)
	file := filepath.Join(t.TempDir(), "b.db")
	must(t, Backup(t.Context(), path, file, false))
	before := readFile(t, file)
	change(t, path, "UPDATE chunks SET data = ZEROBLOB(LENGTH(data)) WHERE from_at = 0")
	if err := Backup(t.Context(), path, file, true); !errors.Is(err, ErrDamaged) {
		t.Errorf("got error %v, want ErrDamaged", err)
	}
	if !bytes.Equal(before, readFile(t, file)) {
		t.Error("the backup was replaced")
	}
	wantAlone(t, filepath.Dir(file), "b.db")
}

func TestVerifyTellsWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	set := func(sql string, args ...any) func(*testing.T, string) {
		return func(t *testing.T, path string) { change(t, path, sql, args...) }
	}
	tests := []struct {
		name   string
		damage func(t *testing.T, path string)
		want   string
	}{
		{"nothing", func(*testing.T, string) {}, ""},
		{"a chunk's checksum", set("UPDATE chunks SET data = ZEROBLOB(LENGTH(data)) WHERE from_at = 0"), "chunk of series 1, tier 0, from 0: its checksum does not match"},
		{"a chunk's bounds", set("UPDATE chunks SET to_at = to_at + 1 WHERE from_at = 0"), "chunk of series 1, tier 0, from 0: chunk does not hold the"},
		{"a chunk's series", set("PRAGMA foreign_keys = OFF; UPDATE chunks SET series = 7 WHERE from_at = 0"), "of chunks refers to a row of series that is missing"},
		{"a group", set("UPDATE journal SET payload = ZEROBLOB(9)"), "journal group 2: it does not begin as a group"},
		{"a group's series", set("UPDATE journal SET payload = ?", encodeGroup([]entry{{series: 77, at: 1}})), "journal group 2: sample 1 belongs to the unknown series 77"},
		{"a series", set("UPDATE series SET key = ?", []byte("bad name")), "series 1: metric name"},
		{"scores", set("UPDATE scores SET payload = ZEROBLOB(LENGTH(payload)) WHERE first = 1"), "scores from entry 1: it does not begin as a group"},
		{"a gap in the scores", set("DELETE FROM scores WHERE first = 1"), "scores from entry 1: "},
		{"a newer schema", set("PRAGMA user_version = 99"), "version 99, this program knows 1 to "},
		{"a tree", func(t *testing.T, path string) { flip(t, path, pageOf(t, path, "chunks"), 8) }, "page"},
		{"an index", set("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'journal') WHERE name = 'sqlite_autoindex_chunks_1'"), "2nd reference to page"},
		{"a missing end", func(t *testing.T, path string) { must(t, os.Truncate(path, 3*4096)) }, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path, _ := filled(t)
			tt.damage(t, path)
			found, err := Verify(t.Context(), path)
			must(t, err)
			if got := strings.Join(found.Problems, "\n"); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got the problems %q, want %q", got, tt.want)
			}
			if err := found.Err(); errors.Is(err, ErrDamaged) != (tt.want != "") {
				t.Errorf("got error %v", err)
			}
		})
	}
}

// flip inverts n bytes of a closed database from an offset on.
func flip(t *testing.T, path string, from, n int) {
	t.Helper()
	content := readFile(t, path)
	for i := range content[from : from+n] {
		content[from+i] ^= 0xff
	}
	must(t, os.WriteFile(path, content, 0o600))
}

// pageOf returns the offset of the first page of a table in a closed database.
func pageOf(t *testing.T, path, table string) int {
	t.Helper()
	db, err := openWriter(path)
	must(t, err)
	defer db.Close()
	var page, size int
	must(t, db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", table).Scan(&page))
	must(t, db.QueryRow("PRAGMA page_size").Scan(&size))
	return (page - 1) * size
}
