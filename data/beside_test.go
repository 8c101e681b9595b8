package data

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommandMakesTheDatabaseAndKeepsServersOutMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "liveboard.db")
	tokens, closed, err := OpenTokens(path)
	must(t, err)
	secret, _ := createToken(t, tokens, 0)
	if _, err := openQuiet(path); err == nil || !strings.Contains(err.Error(), "in use by another liveboard process") {
		t.Errorf("got error %v, want that the database is in use", err)
	}
	must(t, closed())
	if _, err := openStore(t, path).Tokens().Check(t.Context(), secret); err != nil {
		t.Errorf("got error %v for the token that the command made", err)
	}
}

func TestCommandsWorkBesideAServerThatWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s := openStore(t, path)
	tokens, closeTokens, err := OpenTokens(path)
	must(t, err)
	keys, closeKeys, err := OpenKeys(path) // a second command
	must(t, err)
	for first := uint64(1); first < 300; first += 10 {
		appendScores(t, s.scores, scoresFrom(first, 10))
		_, token := createToken(t, tokens, 0)
		must(t, tokens.Revoke(t.Context(), token.ID))
		_, key := createKey(t, keys, "arcade")
		must(t, keys.Revoke(t.Context(), "arcade", key.ID))
	}
	must(t, errors.Join(closeTokens(), closeKeys()))
	if got := len(allEntries(t, s.scores, "")); got != 300 {
		t.Errorf("got %d scores, want 300", got)
	}
}

func TestCommandRefusesASchemaItDoesNotKnow(t *testing.T) {
	path := closedDatabase(t)
	change(t, path, "PRAGMA user_version = 99")
	if _, _, err := OpenTokens(path); err == nil || !strings.Contains(err.Error(), "use a newer liveboard") {
		t.Errorf("got error %v, want that the schema is newer", err)
	}
	lock, err := takeLock(path)
	must(t, err)
	defer lock.Unlock()
	for _, version := range []string{"99", "1"} {
		change(t, path, "PRAGMA user_version = "+version)
		if _, _, err := OpenKeys(path); err == nil || !strings.Contains(err.Error(), "use the same liveboard") {
			t.Errorf("beside a server of schema version %s: got error %v, want that it is another liveboard", version, err)
		}
	}
}
