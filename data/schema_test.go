package data

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
)

var update = flag.Bool("update", false, "make the fixture of the newest schema again")

// fixtureFrom is the first instant of the fixtures' samples, in the year 2100: no retention takes them.
const fixtureFrom = 4_102_444_800_000

// fixtureSecret is a token's secret in the fixtures.
const fixtureSecret = "lb_fixture_of-no-use"

// fixture is the path of the database that the program of that schema version has made. Those of older
// versions cannot be made again: they are what programs of that time wrote.
func fixture(version int) string {
	return filepath.Join("testdata", "schema", fmt.Sprintf("v%d.db", version))
}

// oddSamples are of the series odd, in chunks of the fixtures.
func oddSamples(t *testing.T) (samples []metrics.Sample) {
	t.Helper()
	for i, v := range []float64{metrics.StaleMarker(), math.Copysign(0, -1), math.MaxFloat64, 0.1} {
		samples = append(samples, metrics.Sample{Series: newSeries(t, "odd"), At: fixtureFrom + int64(i), Value: v})
	}
	return samples
}

// makeFixture fills a database as the newest schema allows, and leaves some of it in the journal.
func makeFixture(t *testing.T, path string) {
	t.Helper()
	s, err := openQuiet(path)
	must(t, err)
	up := newSeries(t, "up")
	first := samplesOf(up, fixtureFrom, fixtureFrom+300)
	seq, err := s.Append(t.Context(), first, []metrics.Arrival{{Series: up, Origin: metrics.Origin{Token: "fixture", Format: "text", Sender: "192.0.2.1"}, At: fixtureFrom}})
	must(t, err)
	s.head.Apply(seq, first)
	record(t, s, oddSamples(t))
	seal(t, s)
	record(t, s, samplesOf(up, fixtureFrom+300, fixtureFrom+310))
	appendScores(t, s.scores, scoresFrom(1, 20))
	appendScores(t, s.scores, scoresFrom(21, 10))
	must(t, crash(s))
	hash := sha256.Sum256([]byte(fixtureSecret))
	change(t, path, `
		INSERT INTO tokens (id, name, scopes, hash, created_at, expires_at, used_at, revoked_at)
		VALUES ('fixture', 'a cabinet', 'score:arcade', ?, ?, 0, 0, 0)`, hash[:], fixtureFrom)
	change(t, path, `
		INSERT INTO signing_keys (board, id, secret, created_at, revoked_at)
		VALUES ('arcade', 'fixture', 'of-no-use', ?, 0)`, fixtureFrom)
}

// wantFixture holds an open database to what a fixture of that version holds.
func wantFixture(t *testing.T, s *Store, version int) {
	t.Helper()
	wantPoints(t, s, "up", pointsOf(fixtureFrom, fixtureFrom+310))
	odd, err := read(s, "odd", 0, 1<<60)
	must(t, err)
	for i, want := range oddSamples(t) {
		if i >= len(odd) || odd[i].At != want.At || math.Float64bits(odd[i].Value) != math.Float64bits(want.Value) {
			t.Fatalf("points of odd: got %v, want %v as number %d", odd, want, i)
		}
	}
	if version >= 2 {
		if diff := cmp.Diff(scoresFrom(1, 30), allEntries(t, s.scores, "")); diff != "" {
			t.Errorf("scores (-want +got):\n%s", diff)
		}
		if token, err := s.tokens.Check(t.Context(), fixtureSecret); err != nil || token.Name != "a cabinet" {
			t.Errorf("got the token %+v and error %v", token, err)
		}
		if secret, err := s.keys.Secret(t.Context(), "arcade", "fixture"); err != nil || secret != "of-no-use" {
			t.Errorf("got the secret %q and error %v", secret, err)
		}
	}
	origin := metrics.Origin{}
	if version >= 3 {
		origin = metrics.Origin{Token: "fixture", Format: "text", Sender: "192.0.2.1"}
	}
	for _, a := range s.Arrivals() {
		if a.Series.Name() == "up" && a.Origin != origin {
			t.Errorf("got the origin %+v, want %+v", a.Origin, origin)
		}
	}
}

func newestVersion(t *testing.T) int {
	t.Helper()
	all, err := steps()
	must(t, err)
	return len(all)
}

// copied returns the path of a copy of a fixture.
func copied(t *testing.T, version int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "liveboard.db")
	must(t, os.WriteFile(path, readFile(t, fixture(version)), 0o600))
	return path
}

// Every database that a liveboard has ever written becomes one of today, holds what it held, goes on, and is still there as it was.
func TestDatabaseOfEverySchemaVersionIsMigrated(t *testing.T) {
	newest := newestVersion(t)
	if *update {
		path := filepath.Join(t.TempDir(), "liveboard.db")
		makeFixture(t, path)
		must(t, os.WriteFile(fixture(newest), readFile(t, path), 0o644))
	}
	for version := 1; version <= newest; version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := copied(t, version)
			before, err := Verify(t.Context(), path)
			must(t, err)
			if before.Version != version || before.Err() != nil || before.Groups == 0 || before.Chunks == 0 {
				t.Fatalf("the fixture holds %+v", before)
			}
			s, err := openQuiet(path)
			must(t, err)
			wantFixture(t, s, version)
			record(t, s, samplesOf(newSeries(t, "later"), fixtureFrom, fixtureFrom+5))
			appendScores(t, s.scores, scoresFrom(s.scores.Last()+1, 3))
			must(t, s.Close())
			wantKept(t, path, version, before)
			again := openStore(t, path)
			wantPoints(t, again, "later", pointsOf(fixtureFrom, fixtureFrom+5))
		})
	}
}

// What was in chunks before there were blocks is marked as a seal marks it.
func TestMigrationMarksTheSpansOfAllChunks(t *testing.T) {
	t.Parallel()
	s := openStore(t, copied(t, 3))
	for _, name := range []string{"up", "odd"} {
		id := s.id(newSeries(t, name))
		chunks, err := s.chunksIn(t.Context(), id, 0, math.MaxInt64)
		must(t, err)
		if len(chunks) == 0 {
			t.Errorf("the fixture has no chunks of %s", name)
		}
		for _, c := range chunks {
			from, to := marksOf(id, c.From), marksOf(id, c.To)
			for _, mark := range slices.Concat(from[:], to[:]) {
				if !s.marks.has(mark) {
					t.Errorf("%s from %d to %d: there is no mark of tier %d to %d", name, c.From, c.To, mark.lane(), mark.end())
				}
			}
		}
	}
}

// wantKept looks for the backup that a migration makes: there where the version is an old one.
func wantKept(t *testing.T, path string, version int, before *Findings) {
	t.Helper()
	kept := fmt.Sprintf("%s.v%d", path, version)
	if version == newestVersion(t) {
		if _, err := os.Stat(kept); err == nil {
			t.Errorf("%s is there, and nothing was migrated", kept)
		}
		return
	}
	found, err := Verify(t.Context(), kept)
	must(t, err)
	if diff := cmp.Diff(before, found); diff != "" {
		t.Errorf("the backup (-want +got):\n%s", diff)
	}
}

func TestMigrationThatFailsChangesNothing(t *testing.T) {
	path := copied(t, 1)
	change(t, path, "CREATE TABLE scores (x)") // which the second step makes
	if _, err := openQuiet(path); err == nil || !strings.Contains(err.Error(), "migrate to version 2") {
		t.Fatalf("got error %v, want that the migration failed", err)
	}
	change(t, path, "DROP TABLE scores")
	wantFixture(t, openStore(t, path), 1)
}

// Where there is no room for a backup there is none for a migration.
func TestMigrationWithoutABackupDoesNotBegin(t *testing.T) {
	path := copied(t, 1)
	must(t, os.Mkdir(path+".v1", 0o700)) // a file cannot take its place
	must(t, os.WriteFile(filepath.Join(path+".v1", "x"), nil, 0o600))
	if _, err := openQuiet(path); err == nil || !strings.Contains(err.Error(), "before its schema is changed") {
		t.Errorf("got error %v, want that there is no backup", err)
	}
	found, err := Verify(t.Context(), path)
	must(t, err)
	if found.Version != 1 {
		t.Errorf("the schema has version %d, want 1", found.Version)
	}
}
