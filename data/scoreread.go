package data

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"liveboard/metrics"
	"liveboard/metrics/rank"
)

// Entries yields the entries of one leaderboard (of all, for "") in order, as they were when the
// loop began. An entry is valid until the next one is asked for, its strings and slices for ever. An
// error ends it, and wraps ErrDamaged where the log is not what was written.
func (l *ScoreLog) Entries(ctx context.Context, board string) iter.Seq2[*rank.Entry, error] {
	return func(yield func(*rank.Entry, error) bool) {
		err := eachEntry(ctx, l.readers, func(e *rank.Entry) bool {
			return board != "" && e.Board != board || yield(e, nil)
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

// rowsQuerier is what a pool and a transaction have in common.
type rowsQuerier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// eachEntry calls f with every entry of the log until it returns false.
func eachEntry(ctx context.Context, q rowsQuerier, f func(*rank.Entry) bool) error {
	rows, err := q.QueryContext(ctx, `
		SELECT first, count, payload
		FROM scores
		ORDER BY first`)
	if err != nil {
		return fmt.Errorf("read scores: %w", damage(err))
	}
	defer rows.Close()
	var r scoreReader
	var e rank.Entry
	for next := uint64(1); rows.Next(); next = r.number {
		count, err := scanRow(rows, &r, next)
		if err != nil {
			return err
		}
		for range count {
			if err := r.next(&e); err != nil {
				return damaged(next, err)
			}
			if !f(&e) {
				return nil
			}
		}
		if err := r.close(); err != nil {
			return damaged(next, err)
		}
	}
	return damage(rows.Err())
}

// scanRow opens r with the row, whose first entry must have the number next.
func scanRow(row *sql.Rows, r *scoreReader, next uint64) (count int, err error) {
	var first uint64
	var stored int
	var payload sql.RawBytes
	if err := row.Scan(&first, &stored, &payload); err != nil {
		return 0, fmt.Errorf("read scores: %w", damage(err))
	}
	if first != next {
		return 0, damaged(next, fmt.Errorf("the next row begins at %d", first))
	}
	if count, err = r.open(payload, first); err == nil && count != stored {
		err = fmt.Errorf("it has %d entries, not %d", count, stored)
	}
	if err != nil {
		return 0, damaged(first, err)
	}
	return count, nil
}

func damaged(first uint64, err error) error {
	return fmt.Errorf("%w: scores from entry %d: %w", ErrDamaged, first, err)
}

// Entry returns the entry of that number. The error is of kind NotFound where the log has none, and
// wraps ErrDamaged where it is not what was written.
func (l *ScoreLog) Entry(ctx context.Context, number uint64) (rank.Entry, error) {
	if number == 0 || number > l.last.Load() {
		return rank.Entry{}, metrics.Errorf(metrics.NotFound, "There is no entry %d.", number)
	}
	if e, ok := l.cache.entry(number); ok {
		return e, nil
	}
	b, err := l.block(ctx, number)
	if err != nil {
		return rank.Entry{}, err
	}
	l.cache.put(b)
	return b[number-b[0].Number], nil
}

// block returns the entries of the row that holds one.
func (l *ScoreLog) block(ctx context.Context, number uint64) ([]rank.Entry, error) {
	var first uint64
	var count int
	var payload []byte
	if err := l.selectRow.QueryRowContext(ctx, number).Scan(&first, &count, &payload); err != nil {
		return nil, fmt.Errorf("read entry %d: %w", number, damage(err))
	}
	b, err := decodeScores(payload, first)
	if err != nil {
		return nil, damaged(first, err)
	}
	if number >= first+uint64(len(b)) {
		return nil, damaged(first, fmt.Errorf("entry %d is missing", number))
	}
	return b, nil
}
