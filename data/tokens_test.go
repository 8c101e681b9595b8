package data

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"liveboard/metrics"
)

func createToken(t *testing.T, tokens *Tokens, expires time.Duration) (secret string, token metrics.Token) {
	t.Helper()
	secret, token, err := tokens.Create(t.Context(), "arcade machine", []string{"score:arcade", "staff:chess"}, expires)
	must(t, err)
	return secret, token
}

// wantRefused checks that a secret is refused, and in the same words whatever is wrong with it.
func wantRefused(t *testing.T, tokens *Tokens, secret string) {
	t.Helper()
	_, err := tokens.Check(t.Context(), secret)
	if metrics.KindOf(err) != metrics.Unauthorized || err.Error() != "This token is unknown, expired or revoked." {
		t.Errorf("secret %q: got error %v, want that it is unknown, expired or revoked", secret, err)
	}
}

func TestTokenIsGoodForWhoKnowsItsSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	secret, want := createToken(t, s.Tokens(), 0)
	must(t, s.Close())
	tokens := openStore(t, path).Tokens()
	got, err := tokens.Check(t.Context(), secret)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("token (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(secret, "lb_"+want.ID+"_") || len(secret) < 64 {
		t.Errorf("the secret is %q, want lb_, the id and 32 random bytes", secret)
	}
	for _, wrong := range []string{"", "lb_", "lb__", "lb_" + want.ID, "lb_" + want.ID + "_", secret[:len(secret)-1], secret + "0", strings.ToUpper(secret), strings.TrimPrefix(secret, "lb_"), "lb_0000000000_" + secret[14:]} {
		wantRefused(t, tokens, wrong)
	}
}

func TestSecretOfATokenIsNotStored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	s, err := openQuiet(path)
	must(t, err)
	secret, token := createToken(t, s.Tokens(), 0)
	must(t, s.Close())
	content := readFile(t, path)
	if !bytes.Contains(content, []byte(token.ID)) || bytes.Contains(content, []byte(secret[len("lb_")+len(token.ID)+1:])) {
		t.Error("want the id in the file, and not the secret")
	}
}

func TestTokenEndsWhenItExpires(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		tokens := openStore(t, path).Tokens()
		secret, token := createToken(t, tokens, time.Hour)
		time.Sleep(time.Hour - time.Millisecond)
		if got, err := tokens.Check(t.Context(), secret); err != nil || !got.ExpiresAt.Equal(token.CreatedAt.Add(time.Hour)) {
			t.Errorf("got %+v and error %v a moment before the end, want the token", got, err)
		}
		time.Sleep(time.Millisecond)
		wantRefused(t, tokens, secret)
	})
}

func TestTokenEndsWhenItIsRevoked(t *testing.T) {
	tokens := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Tokens()
	secret, token := createToken(t, tokens, 0)
	other, _ := createToken(t, tokens, 0)
	for range 2 { // it stays revoked
		must(t, tokens.Revoke(t.Context(), token.ID))
		wantRefused(t, tokens, secret)
	}
	if _, err := tokens.Check(t.Context(), other); err != nil {
		t.Errorf("got error %v for another token", err)
	}
	if err := tokens.Revoke(t.Context(), "unknown"); metrics.KindOf(err) != metrics.NotFound {
		t.Errorf("got error %v, want one of kind NotFound", err)
	}
}

func TestTokensMadeAndRevokedByAnotherProcessCountWithinASecond(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		tokens := openStore(t, path).Tokens()
		wantRefused(t, tokens, "lb_a_b")
		command, closed, err := OpenTokens(path)
		must(t, err)
		secret, token := createToken(t, command, 0)
		time.Sleep(time.Second)
		if _, err := tokens.Check(t.Context(), secret); err != nil {
			t.Errorf("got error %v for a token that another process made", err)
		}
		must(t, command.Revoke(t.Context(), token.ID))
		must(t, closed())
		time.Sleep(time.Second)
		wantRefused(t, tokens, secret)
	})
}

func TestTokensThatCannotBeReadAreGoodForNothing(t *testing.T) {
	tokens, closed, err := OpenTokens(filepath.Join(t.TempDir(), "liveboard.db"))
	must(t, err)
	secret, _ := createToken(t, tokens, 0)
	must(t, closed())
	if _, err := tokens.Check(t.Context(), secret); metrics.KindOf(err) != metrics.Unavailable {
		t.Errorf("got error %v, want one of kind Unavailable", err)
	}
}

func TestLastUseOfATokenIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := openQuiet(path)
		must(t, err)
		secret, _ := createToken(t, s.tokens, 0)
		usedAt := func(tokens *Tokens) time.Time {
			list, err := tokens.List(t.Context())
			must(t, err)
			return list[0].UsedAt
		}
		if at := usedAt(s.tokens); !at.IsZero() {
			t.Errorf("an unused token was used at %s", at)
		}
		command, closed, err := OpenTokens(path)
		must(t, err)
		var used time.Time
		for _, wait := range []time.Duration{time.Second, 2 * tidyEvery} {
			_, err = s.tokens.Check(t.Context(), secret)
			must(t, err)
			used = time.Now()
			time.Sleep(wait)
			synctest.Wait()
			if at := usedAt(s.tokens); !at.Equal(used) {
				t.Errorf("used at %s, want %s", at, used)
			}
		}
		if at := usedAt(command); !at.Equal(used) {
			t.Errorf("another process sees the use at %s, want %s", at, used)
		}
		_, err = s.tokens.Check(t.Context(), secret)
		must(t, err)
		used = time.Now()
		must(t, s.Close())
		if at := usedAt(command); !at.Equal(used) {
			t.Errorf("used at %s after the end of the server, want %s", at, used)
		}
		must(t, closed())
	})
}

func TestTokensAreListedOldestFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "liveboard.db")
	synctest.Test(t, func(t *testing.T) {
		tokens := openStore(t, path).Tokens()
		var want []metrics.Token
		for range 3 {
			_, token := createToken(t, tokens, time.Minute)
			want = append(want, token)
			time.Sleep(time.Hour)
		}
		must(t, tokens.Revoke(t.Context(), want[1].ID))
		want[1].RevokedAt = time.Now()
		got, err := tokens.List(t.Context())
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("error %v, tokens (-want +got):\n%s", err, diff)
		}
	})
}

func TestTokenThatMakesNoSenseIsRefused(t *testing.T) {
	tokens := openStore(t, filepath.Join(t.TempDir(), "liveboard.db")).Tokens()
	tests := []struct {
		name, label string
		scopes      []string
		expires     time.Duration
		want        string
	}{
		{"no scopes", "", nil, 0, "at least one scope"},
		{"unknown scope", "", []string{"score:a", "read:a"}, 0, `"read:a" is no scope`},
		{"expires before", "", []string{"score:a"}, -time.Hour, "cannot expire before"},
		{"name that disturbs", "a\u202eb", []string{"score:a"}, 0, "U+202E"},
		{"long name", strings.Repeat("a", 501), []string{"score:a"}, 0, "501 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := tokens.Create(t.Context(), tt.label, tt.scopes, tt.expires)
			if metrics.KindOf(err) != metrics.Invalid || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one of kind Invalid with %q", err, tt.want)
			}
		})
	}
	if list, err := tokens.List(t.Context()); len(list) != 0 || err != nil {
		t.Errorf("got %+v and error %v, want no tokens", list, err)
	}
}
