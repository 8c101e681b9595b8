package data

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"liveboard/metrics"
)

// maxActiveKeys allows the rotation of a leaderboard's keys: the next one before the last one ends.
const maxActiveKeys = 2

// Keys are the keys that sign the submissions to leaderboards. It is safe for concurrent use.
type Keys struct {
	writer, readers *sql.DB
	active          recent[map[keyID]string] // the secrets
}

type keyID struct{ board, id string }

// Keys returns the keys that sign submissions.
func (s *Store) Keys() *Keys { return s.keys }

func newKeys(writer, readers *sql.DB) *Keys {
	k := &Keys{writer: writer, readers: readers}
	k.active.read = k.readActive
	return k
}

// Create makes a key for a leaderboard, whether or not there is one of that name. The secret's text, as it is, is the key of
// the HMAC. The error is of kind Conflict where the leaderboard has two active keys, and Invalid where the name cannot be one.
func (k *Keys) Create(ctx context.Context, board string) (secret string, key metrics.SigningKey, err error) {
	if !namePattern.MatchString(board) {
		return "", key, metrics.Errorf(metrics.Invalid, "%q cannot be the name of a leaderboard", board)
	}
	key = metrics.SigningKey{Board: board, ID: randomHex(5), CreatedAt: timeOf(time.Now().UnixMilli())}
	secret = randomHex(32)
	err = inTx(ctx, k.writer, func(tx *sql.Tx) error {
		if err := checkActive(ctx, tx, board); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO signing_keys (board, id, secret, created_at, revoked_at)
			VALUES (?, ?, ?, ?, 0)`, board, key.ID, secret, millisOf(key.CreatedAt))
		return err
	})
	if err != nil {
		return "", metrics.SigningKey{}, fmt.Errorf("create signing key: %w", err)
	}
	k.active.expire()
	return secret, key, nil
}

// checkActive returns an error of kind Conflict where a leaderboard has as many active keys as it may.
func checkActive(ctx context.Context, tx *sql.Tx, board string) error {
	var active int
	var oldest sql.NullString
	err := tx.QueryRowContext(ctx, `
		SELECT COUNT(*), (
			SELECT id
			FROM signing_keys
			WHERE board = ?1 AND revoked_at = 0
			ORDER BY created_at, id
			LIMIT 1)
		FROM signing_keys
		WHERE board = ?1 AND revoked_at = 0`, board).Scan(&active, &oldest)
	if err != nil || active < maxActiveKeys {
		return err
	}
	return metrics.Errorf(metrics.Conflict, "the leaderboard %q has %d active keys already; revoke %s, the older one, first", board, active, oldest.String)
}

// List returns all keys, those that are revoked among them, sorted by leaderboard and then the oldest first.
func (k *Keys) List(ctx context.Context) (keys []metrics.SigningKey, err error) {
	rows, err := k.readers.QueryContext(ctx, `
		SELECT board, id, created_at, revoked_at
		FROM signing_keys
		ORDER BY board, created_at, id`)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", damage(err))
	}
	defer rows.Close()
	for rows.Next() {
		var key metrics.SigningKey
		var created, revoked int64
		if err := rows.Scan(&key.Board, &key.ID, &created, &revoked); err != nil {
			return nil, fmt.Errorf("read signing keys: %w", damage(err))
		}
		key.CreatedAt, key.RevokedAt = timeOf(created), timeOf(revoked)
		keys = append(keys, key)
	}
	return keys, damage(rows.Err())
}

// Revoke ends a key; one that has ended stays so. Other processes notice within a second. The
// error is of kind NotFound where the leaderboard has no such key.
func (k *Keys) Revoke(ctx context.Context, board, id string) error {
	revoked, err := k.writer.ExecContext(ctx, `
		UPDATE signing_keys
		SET revoked_at = IIF(revoked_at = 0, ?, revoked_at)
		WHERE board = ? AND id = ?`, time.Now().UnixMilli(), board, id)
	if err != nil {
		return fmt.Errorf("revoke signing key: %w", damage(err))
	}
	k.active.expire()
	return foundOne(revoked, "The leaderboard %q has no signing key %q.", board, id)
}

// Secret returns the secret of an active key, whose text is the key of the HMAC. The error is of
// kind Unauthorized where the leaderboard has no such key, or Unavailable.
func (k *Keys) Secret(ctx context.Context, board, id string) (string, error) {
	active, err := k.active.get(ctx)
	if err != nil {
		return "", metrics.Because(err, metrics.Unavailable, "Signatures cannot be checked now; try again later.")
	}
	secret, ok := active[keyID{board, id}]
	if !ok {
		return "", metrics.Errorf(metrics.Unauthorized, "This signing key is unknown or revoked.")
	}
	return secret, nil
}

// Ahead returns the newest time, in Unix seconds, that NoteAhead was told; 0 for none.
func (k *Keys) Ahead(ctx context.Context) (at int64, err error) {
	err = readSetting(ctx, k.readers, settingSigned, &at)
	return at, damage(err)
}

// NoteAhead keeps the time of a good signature whose time is yet to come, so that a server which
// starts again before then knows that it may have been used.
func (k *Keys) NoteAhead(ctx context.Context, at int64) error {
	return inTx(ctx, k.writer, func(tx *sql.Tx) error {
		var noted int64
		if err := readSetting(ctx, tx, settingSigned, &noted); err != nil || noted >= at {
			return err
		}
		return writeSetting(ctx, tx, settingSigned, at)
	})
}

func (k *Keys) readActive(ctx context.Context) (map[keyID]string, error) {
	rows, err := k.readers.QueryContext(ctx, `
		SELECT board, id, secret
		FROM signing_keys
		WHERE revoked_at = 0`)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", damage(err))
	}
	defer rows.Close()
	active := make(map[keyID]string)
	for rows.Next() {
		var key keyID
		var secret string
		if err := rows.Scan(&key.board, &key.id, &secret); err != nil {
			return nil, fmt.Errorf("read signing keys: %w", damage(err))
		}
		active[key] = secret
	}
	return active, damage(rows.Err())
}
