package data

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"liveboard/metrics"
)

func TestSettingsAreInForceOnTheirConnections(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "liveboard.db"))
	tests := []struct {
		name, pragma string
		db           querier
		want         string
	}{
		{"every commit is synced", "synchronous", s.writer, "2"},
		{"write-ahead log", "journal_mode", s.writer, "wal"},
		{"vacuum in steps", "auto_vacuum", s.writer, "2"},
		{"foreign keys", "foreign_keys", s.writer, "1"},
		{"patience", "busy_timeout", s.writer, "5000"},
		{"readers cannot write", "query_only", s.readers, "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			if err := tt.db.QueryRowContext(t.Context(), "PRAGMA "+tt.pragma).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("%s is %s, want %s", tt.pragma, got, tt.want)
			}
		})
	}
	if n := s.writer.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("the writer may open %d connections, want 1", n)
	}
}

// closedDatabase returns the path of a database with chunks and a group in the journal.
func closedDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	record(t, s, samplesOf(newSeries(t, "up"), 0, 300))
	seal(t, s)
	record(t, s, samplesOf(newSeries(t, "up"), 300, 310))
	if err := crash(s); err != nil {
		t.Fatal(err)
	}
	return path
}

// change runs SQL on a closed database.
func change(t *testing.T, path, sql string, args ...any) {
	t.Helper()
	db, err := openWriter(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(sql, args...); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	path := closedDatabase(t)
	change(t, path, "PRAGMA user_version = 99")
	before := readFile(t, path)
	if _, err := openQuiet(path); err == nil || !strings.Contains(err.Error(), "use a newer liveboard") {
		t.Errorf("got error %v, want that the schema is newer", err)
	}
	if !bytes.Equal(before, readFile(t, path)) {
		t.Error("the file was changed")
	}
}

func TestDamageIsFoundAtOpen(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(t *testing.T, path string)
		place  string
	}{
		{"not a database", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "liveboard.db"},
		{"overwritten pages", func(t *testing.T, path string) {
			content := readFile(t, path)
			const page = 4096
			for i := page; i < len(content); i++ {
				content[i] = 0xff
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "liveboard.db"},
		{"group", func(t *testing.T, path string) {
			change(t, path, "UPDATE journal SET payload = CAST(SUBSTR(payload, 1, LENGTH(payload) - 1) || 'x' AS BLOB)")
		}, "journal group 2"},
		{"group of an unknown series", func(t *testing.T, path string) {
			change(t, path, "UPDATE journal SET payload = ?", encodeGroup([]entry{{series: 77, at: 1}}))
		}, "unknown series 77"},
		{"newest chunk", func(t *testing.T, path string) {
			change(t, path, "UPDATE chunks SET data = ZEROBLOB(LENGTH(data)) WHERE from_at = 240")
		}, "series 1 from 240"},
		{"series", func(t *testing.T, path string) {
			change(t, path, "UPDATE series SET key = ?", []byte("bad name"))
		}, "series 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := closedDatabase(t)
			tt.damage(t, path)
			_, err := openQuiet(path)
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), tt.place) {
				t.Errorf("got error %v, want ErrDamaged with %q", err, tt.place)
			}
		})
	}
}

func TestDamagedOldChunkIsAnErrorOfTheRead(t *testing.T) {
	path := closedDatabase(t)
	change(t, path, "UPDATE chunks SET data = ZEROBLOB(LENGTH(data)) WHERE from_at = 0")
	s := openStore(t, path)
	_, err := read(s, "up", 0, 1000)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "series 1 from 0") {
		t.Errorf("got error %v, want ErrDamaged with the place", err)
	}
	if got, err := read(s, "up", 240, 1000); err != nil || len(got) != 70 {
		t.Errorf("got %d points and error %v from the sound part, want 70", len(got), err)
	}
}

func TestDamagedChunkIsNeverMergedOver(t *testing.T) {
	path := closedDatabase(t)
	change(t, path, "UPDATE chunks SET data = ZEROBLOB(LENGTH(data)) WHERE from_at = 0")
	s, err := openQuiet(path)
	if err != nil {
		t.Fatal(err)
	}
	late := []metrics.Sample{{Series: newSeries(t, "up"), At: 50, Value: 1}}
	record(t, s, late)
	if err := s.Seal(context.Background()); !errors.Is(err, ErrDamaged) {
		t.Errorf("got error %v, want ErrDamaged", err)
	}
	if err := crash(s); err != nil {
		t.Fatal(err)
	}
}
