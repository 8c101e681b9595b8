package data

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"liveboard/metrics/rank"
)

// ScoreLog is the log of scores in a Store. It is a rank.Log, of which everything may be called
// from anywhere at any time.
type ScoreLog struct {
	writer, readers *sql.DB
	insertScores    *sql.Stmt
	insertRequest   *sql.Stmt
	selectRow       *sql.Stmt
	selectRequest   *sql.Stmt

	appending sync.Mutex
	last      atomic.Uint64 // the newest entry
	merging   sync.Mutex
	merged    atomic.Uint64 // the newest entry of those that have been merged
	mergeNow  chan struct{} // there is something to merge
	cache     scoreCache
}

const (
	insertScores = `
		INSERT INTO scores (first, count, payload)
		VALUES (?, ?, ?)`
	insertRequest = `
		INSERT OR REPLACE INTO requests (board, key, hash, first, count, at, answer)
		VALUES (?, ?, ?, ?, ?, ?, ?)`
	selectRow = `
		SELECT first, count, payload
		FROM scores
		WHERE first <= ?
		ORDER BY first DESC
		LIMIT 1`
	selectRequest = `
		SELECT hash, first, count, at, answer
		FROM requests
		WHERE board = ? AND key = ? AND at >= ?`
)

// Scores returns the log of scores.
func (s *Store) Scores() *ScoreLog { return s.scores }

func openScores(ctx context.Context, writer, readers *sql.DB) (*ScoreLog, error) {
	l := &ScoreLog{writer: writer, readers: readers, mergeNow: make(chan struct{}, 1)}
	for _, p := range []struct {
		to    **sql.Stmt
		db    *sql.DB
		query string
	}{
		{&l.insertScores, writer, insertScores},
		{&l.insertRequest, writer, insertRequest},
		{&l.selectRow, readers, selectRow},
		{&l.selectRequest, readers, selectRequest},
	} {
		var err error
		if *p.to, err = p.db.PrepareContext(ctx, p.query); err != nil {
			return nil, err
		}
	}
	return l, l.load(ctx)
}

// load finds where the log ends.
func (l *ScoreLog) load(ctx context.Context) error {
	var last, merged uint64
	err := l.readers.QueryRowContext(ctx, `
		SELECT first + count - 1
		FROM scores
		ORDER BY first DESC
		LIMIT 1`).Scan(&last)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("load scores: %w", err)
	}
	if err := readSetting(ctx, l.readers, settingMerged, &merged); err != nil {
		return err
	}
	l.last.Store(last)
	l.merged.Store(merged)
	return nil
}

// Last returns the number of the newest entry, 0 for none.
func (l *ScoreLog) Last() uint64 { return l.last.Load() }

// Append makes entries and requests durable in one transaction, all of them or none. Entries
// whose Numbers do not follow on Last are refused.
func (l *ScoreLog) Append(ctx context.Context, entries []rank.Entry, requests []rank.Request) error {
	l.appending.Lock()
	defer l.appending.Unlock()
	last := l.last.Load()
	for i := range entries {
		if last++; entries[i].Number != last {
			return fmt.Errorf("append entry %d: its number must be %d", entries[i].Number, last)
		}
	}
	if err := l.insert(ctx, entries, requests); err != nil {
		return fmt.Errorf("append entries up to %d: %w", last, err)
	}
	l.last.Store(last)
	l.askForMerge()
	return nil
}

func (l *ScoreLog) insert(ctx context.Context, entries []rank.Entry, requests []rank.Request) error {
	// What is one row is one statement, and that a transaction by itself: BEGIN and COMMIT would
	// take as long as the insert does.
	if len(entries) <= maxRowEntries && len(requests) == 0 {
		return damage(insertEntries(ctx, l.insertScores, entries))
	}
	return inTx(ctx, l.writer, func(tx *sql.Tx) error {
		if err := insertEntries(ctx, tx.StmtContext(ctx, l.insertScores), entries); err != nil {
			return err
		}
		return l.insertRequests(ctx, tx, requests)
	})
}

func insertEntries(ctx context.Context, insert *sql.Stmt, entries []rank.Entry) error {
	for row := range slices.Chunk(entries, maxRowEntries) {
		payload, err := encodeScores(row)
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, row[0].Number, len(row), payload); err != nil {
			return err
		}
	}
	return nil
}

func (l *ScoreLog) insertRequests(ctx context.Context, tx *sql.Tx, requests []rank.Request) error {
	insert := tx.StmtContext(ctx, l.insertRequest)
	for _, r := range requests {
		if _, err := insert.ExecContext(ctx, r.Board, r.Key, r.Hash[:], r.First, r.Count, r.At, r.Answer); err != nil {
			return fmt.Errorf("request %q: %w", r.Key, err)
		}
	}
	return nil
}
