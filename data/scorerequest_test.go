package data

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics/rank"
)

// request is one that came now, with a key of its own.
func request(board, key string) rank.Request {
	return rank.Request{Board: board, Key: key, Hash: sha256.Sum256([]byte(key)), First: 1, Count: 2, At: time.Now().UnixMilli()}
}

func wantRequest(t *testing.T, l *ScoreLog, want rank.Request) {
	t.Helper()
	got, ok, err := l.Request(t.Context(), want.Board, want.Key)
	if diff := cmp.Diff(want, got); !ok || err != nil || diff != "" {
		t.Errorf("request %q of %s: %v, error %v (-want +got):\n%s", want.Key, want.Board, ok, err, diff)
	}
}

func wantNoRequest(t *testing.T, l *ScoreLog, board, key string) {
	t.Helper()
	if got, ok, err := l.Request(t.Context(), board, key); ok || err != nil {
		t.Errorf("request %q of %s: got %+v and error %v, want none", key, board, got, err)
	}
}

func TestRequestsAreKeptWithTheirAnswers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	first, second := request("a", "k"), request("b", "k")
	second.First, second.Answer = 3, []byte("at once")
	must(t, s.scores.Append(t.Context(), scoresFrom(1, 4), []rank.Request{first, second}))
	wantRequest(t, s.scores, first)
	first.Answer = []byte(`{"rank": 1}`)
	must(t, s.scores.Keep(t.Context(), []rank.Request{first, request("a", "unknown")}))
	must(t, crash(s))
	l := openStore(t, path).Scores()
	wantRequest(t, l, first)
	wantRequest(t, l, second)
	wantNoRequest(t, l, "a", "unknown")
	wantNoRequest(t, l, "c", "k")
}

func TestRequestsAreForgottenAfterADay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		l := openStore(t, path).Scores()
		var old []rank.Request
		for i := range 2*forgetRequests + 1 {
			old = append(old, request("a", fmt.Sprint(i)))
		}
		must(t, l.Append(t.Context(), nil, old))
		time.Sleep(rememberFor - tidyEvery)
		must(t, l.Append(t.Context(), nil, []rank.Request{request("a", "new")}))
		wantRequest(t, l, old[0])
		time.Sleep(tidyEvery + time.Millisecond)
		wantNoRequest(t, l, "a", "0")
		time.Sleep(tidyEvery)
		synctest.Wait()
		var stored int
		must(t, l.readers.QueryRow("SELECT COUNT(*) FROM requests").Scan(&stored))
		if stored != 1 {
			t.Errorf("%d requests are stored, want only the new one", stored)
		}
		must(t, l.Append(t.Context(), nil, []rank.Request{request("a", "0")}))
		wantRequest(t, l, request("a", "0"))
	})
}

// A key may come again when it is forgotten but not yet deleted.
func TestRequestThatIsForgottenMakesRoom(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	old := request("a", "k")
	old.At -= rememberFor.Milliseconds() + 1
	must(t, l.Append(t.Context(), nil, []rank.Request{old}))
	wantNoRequest(t, l, "a", "k")
	again := request("a", "k")
	must(t, l.Append(t.Context(), nil, []rank.Request{again}))
	wantRequest(t, l, again)
}

func TestTornRequestIsDamage(t *testing.T) {
	l := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Scores()
	must(t, l.Append(t.Context(), nil, []rank.Request{request("a", "k")}))
	if _, err := l.writer.Exec("UPDATE requests SET hash = x'00'"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Request(t.Context(), "a", "k"); !errors.Is(err, ErrDamaged) {
		t.Errorf("got error %v, want ErrDamaged", err)
	}
}
