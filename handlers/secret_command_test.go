package handlers

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startArcade runs the program with a leaderboard to which only signed scores, or any, may come, and
// returns it and its database as a flag.
func startArcade(t *testing.T, signed string) (p *process, database string) {
	t.Helper()
	folder := t.TempDir()
	board := filepath.Join(folder, "b.yaml")
	yaml := "leaderboards:\n  arcade: {title: Arcade, signed: " + signed + "}\n"
	if err := os.WriteFile(board, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	database = "--data=" + filepath.Join(folder, "x.db")
	return start(t, database, "--board="+board), database
}

// succeed runs the program, which must end well, and returns what it prints on stdout.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := run(t, args...)
	if code != 0 {
		t.Fatalf("%q ends with %d: %s", args, code, stderr)
	}
	return stdout
}

// fieldOf returns the first word of the line that has the text.
func fieldOf(t *testing.T, list, text string) string {
	t.Helper()
	for line := range strings.SplitSeq(list, "\n") {
		if strings.Contains(line, text) {
			return strings.Fields(line)[0]
		}
	}
	t.Fatalf("no line has %q in %q", text, list)
	return ""
}

func TestTokensWorkWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	p, database := startArcade(t, "false")
	secret := succeed(t, "token", "create", "--scope", "score:*", "--name", "game", "--expires", "90d", database)
	if strings.Count(secret, "\n") != 1 || !strings.HasPrefix(secret, "lb_") {
		t.Fatalf("create prints %q on stdout, want the token alone", secret)
	}
	token := append(bear(strings.TrimSpace(secret)), elsewhere...)
	submit := func() answer {
		return do(t, "POST", p.URL+"/api/leaderboards/arcade/scores", `{"player":"ada","score":1}`, append(token, "Content-Type", jsonType)...)
	}
	eventually(t, "a token made beside a running server is good", func() bool { return submit().StatusCode == http.StatusCreated })
	wantProblem(t, do(t, "POST", p.URL+"/api/leaderboards/arcade/freeze", "", token...), http.StatusForbidden, `"game"`)

	list := succeed(t, "token", "list", database)
	id := fieldOf(t, list, "game")
	expires := time.Now().Add(90 * 24 * time.Hour).Format("2006-01-02")
	if !strings.Contains(list, "score:*") || !strings.Contains(list, expires) || !strings.Contains(list, "good") || strings.Contains(list, strings.TrimSpace(secret)) {
		t.Errorf("list prints %q, want the scope, the day %s, good, and no secret", list, expires)
	}
	succeed(t, "token", "revoke", id, database)
	eventually(t, "a revoked token is refused", func() bool { return submit().StatusCode == http.StatusUnauthorized })
	if list := succeed(t, "token", "list", database); !strings.Contains(list, "revoked") {
		t.Errorf("list prints %q, want revoked", list)
	}
	wantRefusal(t, 1, id, "token", "revoke", id+"0", database)
}

func TestWrongTokenFlagsAreRefused(t *testing.T) {
	t.Parallel()
	_, database := startArcade(t, "false")
	for _, c := range []struct {
		says string
		args []string
	}{
		{"--scope", nil},
		{"--expires 90", []string{"--scope=score:*", "--expires=90"}},
		{"--expires 0d", []string{"--scope=score:*", "--expires=0d"}},
		{"--expires -1h", []string{"--scope=score:*", "--expires=-1h"}},
		{"--expires 90days", []string{"--scope=score:*", "--expires=90days"}},
		{"--expires 999999d", []string{"--scope=score:*", "--expires=999999d"}},
		{"admin:*", []string{"--scope=admin:*"}},
		{"score", []string{"--scope=score"}},
		{"name", []string{"--scope=score:*", "--name=" + strings.Repeat("x", 1000)}},
		{"unexpected argument", []string{"--scope=score:*", "ada"}},
	} {
		wantRefusal(t, 1, c.says, append([]string{"token", "create", database}, c.args...)...)
	}
	if list := succeed(t, "token", "list", database); strings.Count(list, "\n") != 1 {
		t.Errorf("a token was made: %q", list)
	}
}

// signingKey makes a key with the program.
func signingKey(t *testing.T, database string) (id, secret string) {
	t.Helper()
	code, stdout, stderr := run(t, "key", "create", "arcade", database)
	if code != 0 || strings.Count(stdout, "\n") != 1 || !strings.HasPrefix(stderr, "Key ") {
		t.Fatalf("key create ends with %d and says %q, %q", code, stdout, stderr)
	}
	return strings.Fields(stderr)[1], strings.TrimSpace(stdout)
}

// submitSigned sends a score that is signed now, and returns the status.
func submitSigned(t *testing.T, p *process, id, secret string) int {
	t.Helper()
	const path, body = leaderboardsPath + "/arcade/scores", `{"player":"ada","score":1}`
	at, nonce := time.Now().Unix(), rand.Text()
	signature := hex.EncodeToString(Sign(secret, "POST", path, []byte(body), at, nonce))
	return do(t, "POST", p.URL+path, body, "Content-Type", jsonType,
		keyHeader, id, timeHeader, strconv.FormatInt(at, 10), nonceHeader, nonce, signatureHeader, signature).StatusCode
}

func TestKeysAreRotatedWhileTheServerRuns(t *testing.T) {
	t.Parallel()
	p, database := startArcade(t, "true")
	oldID, oldSecret := signingKey(t, database)
	eventually(t, "the first key is good", func() bool { return submitSigned(t, p, oldID, oldSecret) == http.StatusCreated })
	newID, newSecret := signingKey(t, database)
	eventually(t, "the second key is good", func() bool { return submitSigned(t, p, newID, newSecret) == http.StatusCreated })
	if got := submitSigned(t, p, oldID, oldSecret); got != http.StatusCreated {
		t.Errorf("beside the second the first key gets %d", got)
	}
	wantRefusal(t, 1, "revoke "+oldID, "key", "create", "arcade", database)
	list := succeed(t, "key", "list", database)
	if strings.Contains(list, oldSecret) || !strings.Contains(list, oldID) || !strings.Contains(list, newID) {
		t.Errorf("list prints %q, want two keys and no secret", list)
	}
	succeed(t, "key", "revoke", "arcade", oldID, database)
	eventually(t, "a revoked key is refused", func() bool { return submitSigned(t, p, oldID, oldSecret) == http.StatusUnauthorized })
	if got := submitSigned(t, p, newID, newSecret); got != http.StatusCreated {
		t.Errorf("then the other key gets %d", got)
	}
	wantRefusal(t, 1, "nothing", "key", "revoke", "arcade", "nothing", database)
	wantRefusal(t, 1, "name of a leaderboard", "key", "create", "A B", database)
	signingKey(t, database) // there is room again
}
