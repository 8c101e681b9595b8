package data

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"liveboard/metrics"
)

// secretPrefix begins a token's secret, so that scanners for leaked secrets know it.
const secretPrefix = "lb_"

// Tokens are the tokens in a database. It is safe for concurrent use.
type Tokens struct {
	writer, readers *sql.DB
	valid           recent[map[string]storedToken] // those that are not revoked, by id

	mu   sync.Mutex
	used map[string]int64 // last uses that the database does not know yet
}

// storedToken is a token and the SHA-256 of its secret.
type storedToken struct {
	metrics.Token
	hash []byte
}

// Tokens returns the tokens.
func (s *Store) Tokens() *Tokens { return s.tokens }

func newTokens(writer, readers *sql.DB) *Tokens {
	t := &Tokens{writer: writer, readers: readers, used: make(map[string]int64)}
	t.valid.read = t.readValid
	return t
}

// Create makes a token that is valid for that long, 0 for ever. The secret is nowhere else to be had. The error is of
// kind Invalid where a scope, the name or the time is wrong.
func (t *Tokens) Create(ctx context.Context, name string, scopes []string, expires time.Duration) (secret string, token metrics.Token, err error) {
	if err := checkToken(name, scopes, expires); err != nil {
		return "", token, err
	}
	token = metrics.Token{ID: randomHex(5), Name: name, Scopes: scopes, CreatedAt: timeOf(time.Now().UnixMilli())}
	if expires > 0 {
		token.ExpiresAt = token.CreatedAt.Add(expires)
	}
	secret = secretPrefix + token.ID + "_" + randomHex(32)
	hash := sha256.Sum256([]byte(secret))
	_, err = t.writer.ExecContext(ctx, `
		INSERT INTO tokens (id, name, scopes, hash, created_at, expires_at, used_at, revoked_at)
		VALUES (?, ?, ?, ?, ?, ?, 0, 0)`,
		token.ID, name, strings.Join(scopes, " "), hash[:], millisOf(token.CreatedAt), millisOf(token.ExpiresAt))
	if err != nil {
		return "", metrics.Token{}, fmt.Errorf("create token: %w", damage(err))
	}
	t.valid.expire()
	return secret, token, nil
}

func checkToken(name string, scopes []string, expires time.Duration) error {
	if err := metrics.CheckText(name); err != nil {
		return metrics.Errorf(metrics.Invalid, "the name of the token: %w", err)
	}
	switch {
	case len(name) > maxTextBytes:
		return metrics.Errorf(metrics.Invalid, "the name of the token has %d bytes, at most %d are allowed", len(name), maxTextBytes)
	case len(scopes) == 0:
		return metrics.Errorf(metrics.Invalid, "a token needs at least one scope, such as score:arcade")
	case expires < 0:
		return metrics.Errorf(metrics.Invalid, "a token cannot expire before it is made")
	}
	for _, scope := range scopes {
		if _, _, err := metrics.ParseScope(scope); err != nil {
			return err
		}
	}
	return nil
}

// randomHex returns n random bytes in hexadecimal.
func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// List returns all tokens, the oldest first, those that are expired or revoked among them.
func (t *Tokens) List(ctx context.Context) ([]metrics.Token, error) {
	stored, err := t.query(ctx, `
		SELECT id, name, scopes, hash, created_at, expires_at, used_at, revoked_at
		FROM tokens
		ORDER BY created_at, id`)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tokens := make([]metrics.Token, len(stored))
	for i, s := range stored {
		tokens[i] = s.Token
		if at, ok := t.used[s.ID]; ok {
			tokens[i].UsedAt = timeOf(at)
		}
	}
	return tokens, nil
}

// Names returns what the tokens are called that are not revoked, by id.
func (t *Tokens) Names(ctx context.Context) (map[string]string, error) {
	valid, err := t.valid.get(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(valid))
	for id, token := range valid {
		names[id] = token.Name
	}
	return names, nil
}

// Revoke ends a token; one that has ended stays so. Other processes notice within a second. The
// error is of kind NotFound where there is no such token.
func (t *Tokens) Revoke(ctx context.Context, id string) error {
	revoked, err := t.writer.ExecContext(ctx, `
		UPDATE tokens
		SET revoked_at = IIF(revoked_at = 0, ?, revoked_at)
		WHERE id = ?`, time.Now().UnixMilli(), id)
	if err != nil {
		return fmt.Errorf("revoke token: %w", damage(err))
	}
	t.valid.expire()
	return foundOne(revoked, "There is no token %q.", id)
}

// foundOne returns an error of kind NotFound where a change found nothing to change.
func foundOne(changed sql.Result, sentence string, args ...any) error {
	if n, err := changed.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return metrics.Errorf(metrics.NotFound, sentence, args...)
}

// Check returns the token whose secret this is, and notes that it was used. The error is of kind
// Unauthorized, and does not tell strangers which tokens there are, or Unavailable. The Scopes are shared: they must not be changed.
func (t *Tokens) Check(ctx context.Context, secret string) (metrics.Token, error) {
	valid, err := t.valid.get(ctx)
	if err != nil {
		return metrics.Token{}, metrics.Because(err, metrics.Unavailable, "Tokens cannot be checked now; try again later.")
	}
	hash := sha256.Sum256([]byte(secret))
	id, _, _ := strings.Cut(strings.TrimPrefix(secret, secretPrefix), "_")
	token, now := valid[id], time.Now()
	expired := !token.ExpiresAt.IsZero() && !now.Before(token.ExpiresAt)
	if subtle.ConstantTimeCompare(hash[:], token.hash) != 1 || expired {
		return metrics.Token{}, metrics.Errorf(metrics.Unauthorized, "This token is unknown, expired or revoked.")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used[id] = now.UnixMilli()
	return token.Token, nil
}

// flush writes down when tokens were last used.
func (t *Tokens) flush(ctx context.Context) error {
	t.mu.Lock()
	used := maps.Clone(t.used)
	t.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	err := inTx(ctx, t.writer, func(tx *sql.Tx) error {
		for id, at := range used {
			if _, err := tx.ExecContext(ctx, "UPDATE tokens SET used_at = ? WHERE id = ?", at, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note the use of tokens: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.used, func(id string, at int64) bool { return used[id] == at })
	return nil
}

func (t *Tokens) readValid(ctx context.Context) (map[string]storedToken, error) {
	stored, err := t.query(ctx, `
		SELECT id, name, scopes, hash, created_at, expires_at, used_at, revoked_at
		FROM tokens
		WHERE revoked_at = 0`)
	if err != nil {
		return nil, err
	}
	valid := make(map[string]storedToken, len(stored))
	for _, s := range stored {
		valid[s.ID] = s
	}
	return valid, nil
}

func (t *Tokens) query(ctx context.Context, query string) (stored []storedToken, err error) {
	rows, err := t.readers.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", damage(err))
	}
	defer rows.Close()
	for rows.Next() {
		var s storedToken
		var scopes string
		var created, expires, used, revoked int64
		if err := rows.Scan(&s.ID, &s.Name, &scopes, &s.hash, &created, &expires, &used, &revoked); err != nil {
			return nil, fmt.Errorf("read tokens: %w", damage(err))
		}
		s.Scopes = strings.Fields(scopes)
		s.CreatedAt, s.ExpiresAt, s.UsedAt, s.RevokedAt = timeOf(created), timeOf(expires), timeOf(used), timeOf(revoked)
		stored = append(stored, s)
	}
	return stored, damage(rows.Err())
}

// timeOf is the time at Unix milliseconds, where 0 is never.
func timeOf(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMilli(at)
}

func millisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
