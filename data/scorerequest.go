package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"liveboard/metrics/rank"
)

const (
	rememberFor    = 24 * time.Hour
	forgetRequests = 256 // a transaction: so long can it hold up who appends
)

// Keep makes the answers to requests durable that Append has noted before.
func (l *ScoreLog) Keep(ctx context.Context, answers []rank.Request) error {
	return inTx(ctx, l.writer, func(tx *sql.Tx) error {
		for _, r := range answers {
			_, err := tx.ExecContext(ctx, `
				UPDATE requests
				SET answer = ?
				WHERE board = ? AND key = ?`, r.Answer, r.Board, r.Key)
			if err != nil {
				return fmt.Errorf("keep answer to %q: %w", r.Key, err)
			}
		}
		return nil
	})
}

// Request returns what is known of a leaderboard's Idempotency-Key; ok is false where that is
// nothing, or older than a day.
func (l *ScoreLog) Request(ctx context.Context, board, key string) (r rank.Request, ok bool, err error) {
	r = rank.Request{Board: board, Key: key}
	var hash []byte
	err = l.selectRequest.QueryRowContext(ctx, board, key, time.Now().Add(-rememberFor).UnixMilli()).
		Scan(&hash, &r.First, &r.Count, &r.At, &r.Answer)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return rank.Request{}, false, nil
	case err != nil:
		return rank.Request{}, false, fmt.Errorf("read request: %w", damage(err))
	case copy(r.Hash[:], hash) != len(r.Hash):
		return rank.Request{}, false, fmt.Errorf("%w: request %q of %s has a torn hash", ErrDamaged, key, board)
	}
	return r, true, nil
}

// Forget deletes the requests that are older than a day. It takes many short transactions.
func (l *ScoreLog) Forget(ctx context.Context) error {
	before := time.Now().Add(-rememberFor).UnixMilli()
	for {
		var forgotten int64
		err := inTx(ctx, l.writer, func(tx *sql.Tx) (err error) {
			forgotten, err = forget(ctx, tx, before)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget requests: %w", err)
		}
		if forgotten == 0 {
			return nil
		}
	}
}

func forget(ctx context.Context, tx *sql.Tx, before int64) (forgotten int64, err error) {
	deleted, err := tx.ExecContext(ctx, `
		DELETE FROM requests
		WHERE id IN (
			SELECT id
			FROM (SELECT id, at FROM requests ORDER BY id LIMIT ?)
			WHERE at < ?)`, forgetRequests, before)
	if err != nil {
		return 0, err
	}
	return deleted.RowsAffected()
}
