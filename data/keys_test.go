package data

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
)

func createKey(t *testing.T, keys *Keys, board string) (secret string, key metrics.SigningKey) {
	t.Helper()
	secret, key, err := keys.Create(t.Context(), board)
	must(t, err)
	return secret, key
}

func wantSecret(t *testing.T, keys *Keys, key metrics.SigningKey, want string) {
	t.Helper()
	if got, err := keys.Secret(t.Context(), key.Board, key.ID); got != want || err != nil {
		t.Errorf("got secret %q and error %v, want %q", got, err, want)
	}
}

func wantNoSecret(t *testing.T, keys *Keys, board, id string) {
	t.Helper()
	if got, err := keys.Secret(t.Context(), board, id); got != "" || metrics.KindOf(err) != metrics.Unauthorized {
		t.Errorf("got secret %q and error %v, want an error of kind Unauthorized", got, err)
	}
}

func TestKeysOfALeaderboardRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := openQuiet(path)
		must(t, err)
		keys := s.Keys()
		oldSecret, old := createKey(t, keys, "arcade")
		time.Sleep(time.Hour)
		newSecret, young := createKey(t, keys, "arcade")
		otherSecret, other := createKey(t, keys, "chess")
		wantSecret(t, keys, old, oldSecret)
		wantSecret(t, keys, young, newSecret)
		wantNoSecret(t, keys, "chess", old.ID)
		wantNoSecret(t, keys, "arcade", "unknown")
		_, _, err = keys.Create(t.Context(), "arcade")
		if metrics.KindOf(err) != metrics.Conflict || !strings.Contains(err.Error(), "revoke "+old.ID+", the older one") {
			t.Errorf("third key: got error %v, want one of kind Conflict that names %s", err, old.ID)
		}
		must(t, keys.Revoke(t.Context(), "arcade", old.ID))
		old.RevokedAt = time.Now()
		wantNoSecret(t, keys, "arcade", old.ID)
		_, third := createKey(t, keys, "arcade")
		must(t, s.Close())
		keys = openStore(t, path).Keys()
		wantSecret(t, keys, young, newSecret)
		wantSecret(t, keys, other, otherSecret)
		got, err := keys.List(t.Context())
		want := []metrics.SigningKey{old, young, third, other}
		if third.CreatedAt.Equal(young.CreatedAt) && third.ID < young.ID {
			want[1], want[2] = third, young
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("error %v, keys (-want +got):\n%s", err, diff)
		}
	})
}

func TestKeyOfWhatCannotBeALeaderboardIsRefused(t *testing.T) {
	keys := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Keys()
	for _, board := range []string{"", "*", "A", "a b"} {
		if _, _, err := keys.Create(t.Context(), board); metrics.KindOf(err) != metrics.Invalid {
			t.Errorf("%q: got error %v, want one of kind Invalid", board, err)
		}
	}
	if err := keys.Revoke(t.Context(), "arcade", "unknown"); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("got error %v, want one of kind NotFound", err)
	}
}

func TestKeysRevokedByAnotherProcessEndWithinASecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		keys := openStore(t, path).Keys()
		secret, key := createKey(t, keys, "arcade")
		wantSecret(t, keys, key, secret)
		command, closed, err := OpenKeys(path)
		must(t, err)
		must(t, command.Revoke(t.Context(), "arcade", key.ID))
		must(t, closed())
		time.Sleep(time.Second)
		wantNoSecret(t, keys, "arcade", key.ID)
	})
}
