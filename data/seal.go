package data

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"liveboard/metrics"
	"liveboard/metrics/head"
)

const (
	sealEvery       = 2 * time.Minute // a chunk's worth of samples at one a second
	maxJournalBytes = 32 << 20        // from which on a seal does not wait for its time

	// Between two transactions of a seal, groups that wait are appended. So these bound how
	// long a seal can hold up a sender.
	sealSeries = 250 // a transaction
	sealGroups = 32  // a transaction
)

// Seal writes what the head holds into chunks and then cuts the journal. It takes many short
// transactions. That is safe at any point of a crash: the journal is cut last and oldest
// group first, and a group that is applied again changes nothing.
func (s *Store) Seal(ctx context.Context) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.journalBytes.Store(0)
	_, seq := s.head.Since("*", 0)
	for from, more := 0, true; more; more = from != 0 {
		var unsealed []head.Unsealed
		unsealed, from = s.head.Unsealed(from, sealSeries)
		if err := s.writeChunks(ctx, unsealed); err != nil {
			return fmt.Errorf("seal: %w", err)
		}
		s.head.Sealed(unsealed)
	}
	if err := s.cutJournal(ctx, seq); err != nil {
		return fmt.Errorf("cut journal at group %d: %w", seq, err)
	}
	return nil
}

func (s *Store) writeChunks(ctx context.Context, unsealed []head.Unsealed) error {
	if len(unsealed) == 0 {
		return ctx.Err()
	}
	return s.remarked(ctx, s.marksFor(unsealed), nil, func(tx *sql.Tx) error {
		put := tx.StmtContext(ctx, s.putChunk)
		for _, u := range unsealed {
			id := s.id(u.Series)
			if err := mergeLate(ctx, tx, put, id, u.Late); err != nil {
				return fmt.Errorf("late samples of %s: %w", u.Series, err)
			}
			if err := putChunks(put, id, u.Chunks); err != nil {
				return fmt.Errorf("chunks of %s: %w", u.Series, err)
			}
		}
		return nil
	})
}

// marksFor returns the marks of the spans that get something new.
func (s *Store) marksFor(unsealed []head.Unsealed) (ids []blockID) {
	mark := func(series, t int64) {
		if !placeable(t) {
			return
		}
		of := marksOf(series, t)
		if n := len(ids); n == 0 || ids[n-tiers] != of[0] {
			ids = append(ids, of[:]...)
		}
	}
	for _, u := range unsealed {
		id := s.id(u.Series)
		for _, p := range u.Late {
			mark(id, p.At)
		}
		for _, c := range u.Chunks {
			mark(id, c.From)
			mark(id, c.To)
		}
	}
	return ids
}

// mergeLate puts late samples into the stored chunks that span their instants.
func mergeLate(ctx context.Context, tx *sql.Tx, put *sql.Stmt, id int64, late []metrics.Point) error {
	for len(late) > 0 {
		held, next, err := chunkBefore(ctx, tx, id, late[0].At)
		if err != nil {
			return err
		}
		n := 1
		for n < len(late) && late[n].At < next {
			n++
		}
		merged, err := head.Merge(held, late[:n])
		if err != nil {
			return fmt.Errorf("%w: chunk from %d: %w", ErrDamaged, held[0].From, err)
		}
		if err := putChunks(put, id, merged); err != nil {
			return err
		}
		late = late[n:]
	}
	return nil
}

func putChunks(put *sql.Stmt, id int64, chunks []head.Chunk) error {
	for _, c := range chunks {
		if _, err := put.Exec(id, c.From, c.To, c.Samples, sum(c.Data)); err != nil {
			return fmt.Errorf("put chunk from %d: %w", c.From, err)
		}
	}
	return nil
}

// cutJournal deletes the groups up to seq, oldest first.
func (s *Store) cutJournal(ctx context.Context, seq uint64) error {
	for {
		var cut int64
		err := inTx(ctx, s.writer, func(tx *sql.Tx) (err error) {
			cut, err = cutGroups(ctx, tx, seq)
			return err
		})
		if err != nil || cut == 0 {
			return err
		}
	}
}

func cutGroups(ctx context.Context, tx *sql.Tx, seq uint64) (cut int64, err error) {
	deleted, err := tx.ExecContext(ctx, `
		DELETE FROM journal
		WHERE seq IN (
			SELECT seq
			FROM journal
			WHERE seq <= ?
			ORDER BY seq
			LIMIT ?)`, seq, sealGroups)
	if err != nil {
		return 0, err
	}
	if err := writeSetting(ctx, tx, settingSealed, seq); err != nil {
		return 0, err
	}
	return deleted.RowsAffected()
}
