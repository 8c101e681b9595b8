package data

import (
	"context"
	"database/sql"
	"fmt"

	"liveboard/metrics/rank"
)

// maxMergedBytes bounds the rows that come of merging, before they are compressed.
const maxMergedBytes = 1 << 20

// scoreRun is a run of rows that becomes one.
type scoreRun struct {
	rows    int
	bytes   int
	entries []rank.Entry
}

// askForMerge wakes who merges when there are more entries than fit one row.
func (l *ScoreLog) askForMerge() {
	if l.last.Load()-l.merged.Load() <= maxRowEntries {
		return
	}
	select {
	case l.mergeNow <- struct{}{}:
	default:
	}
}

// Merge puts small rows together, so that the log is quick to read, until what is left at its end does not fill a row. It
// takes a short transaction for each row it makes, is safe at any point of a crash, and changes nothing that is read.
func (l *ScoreLog) Merge(ctx context.Context) error {
	l.merging.Lock()
	defer l.merging.Unlock()
	for {
		run, full, err := l.nextRun(ctx)
		if err != nil || !full {
			return err
		}
		if err := l.replace(ctx, run); err != nil {
			return fmt.Errorf("merge scores: %w", err)
		}
	}
}

// nextRun reads the rows after those merged that fit one. It is full where no more would.
func (l *ScoreLog) nextRun(ctx context.Context) (run scoreRun, full bool, err error) {
	next := l.merged.Load() + 1
	rows, err := l.readers.QueryContext(ctx, `
		SELECT first, count, payload
		FROM scores
		WHERE first >= ?
		ORDER BY first`, next)
	if err != nil {
		return run, false, fmt.Errorf("read scores: %w", damage(err))
	}
	defer rows.Close()
	var r scoreReader
	for ; rows.Next(); next = r.number {
		count, err := scanRow(rows, &r, next)
		if err != nil {
			return run, false, err
		}
		if run.rows > 0 && !run.fits(count, len(r.plain)) {
			return run, true, nil
		}
		if err := run.add(&r, count); err != nil {
			return run, false, damaged(next, err)
		}
	}
	return run, !run.fits(1, 0), damage(rows.Err())
}

func (run *scoreRun) fits(entries, bytes int) bool {
	return len(run.entries)+entries <= maxRowEntries && run.bytes+bytes <= maxMergedBytes
}

func (run *scoreRun) add(r *scoreReader, count int) error {
	run.rows++
	run.bytes += len(r.plain)
	for range count {
		var e rank.Entry
		if err := r.next(&e); err != nil {
			return err
		}
		run.entries = append(run.entries, e)
	}
	return r.close()
}

// replace puts one row in the place of the run's.
func (l *ScoreLog) replace(ctx context.Context, run scoreRun) error {
	first := run.entries[0].Number
	last := first + uint64(len(run.entries)) - 1
	err := inTx(ctx, l.writer, func(tx *sql.Tx) error {
		if err := writeSetting(ctx, tx, settingMerged, last); err != nil || run.rows == 1 {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			DELETE FROM scores
			WHERE first BETWEEN ? AND ?`, first, last)
		if err != nil {
			return err
		}
		return insertEntries(ctx, tx.StmtContext(ctx, l.insertScores), run.entries)
	})
	if err == nil {
		l.merged.Store(last)
	}
	return err
}
