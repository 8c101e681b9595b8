package data

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// marks are the rows of the table of that name, in memory too: a reader has to know which blocks are not true any more. A
// mark is in memory before it is committed, and goes after the block is.
type marks struct {
	mu  sync.RWMutex
	set map[blockID]struct{}
}

// marksOf returns the ids of the spans of every tier that hold the instant t of a series.
func marksOf(series, t int64) (ids [tiers]blockID) {
	for i := range ids {
		ids[i] = idOf(tier(i).samples(), slot(t, tierSpans[i]), series)
	}
	return ids
}

// load reads the table.
func (m *marks) load(ctx context.Context, readers *sql.DB) error {
	m.set = make(map[blockID]struct{})
	rows, err := readers.QueryContext(ctx, `
		SELECT block
		FROM marks`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id blockID
		if err := rows.Scan(&id); err != nil {
			return err
		}
		m.set[id] = struct{}{}
	}
	return rows.Err()
}

func (m *marks) has(id blockID) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	_, ok := m.set[id]
	return ok
}

// add returns those of ids that are new.
func (m *marks) add(ids []blockID) (added []blockID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if _, ok := m.set[id]; !ok {
			m.set[id] = struct{}{}
			added = append(added, id)
		}
	}
	return added
}

func (m *marks) remove(ids []blockID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.set, id)
	}
}

// below returns the marks of the tier, of spans that end no later than before.
func (m *marks) below(t tier, before int64) []blockID {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var ids []blockID
	for id := range m.set {
		if id.lane() == t.samples() && id.end() <= before {
			ids = append(ids, id)
		}
	}
	return ids
}

// remarked runs f in a transaction that also adds and deletes marks. What fails leaves them as they were.
func (s *Store) remarked(ctx context.Context, add, done []blockID, f func(tx *sql.Tx) error) error {
	added := s.marks.add(add)
	err := inTx(ctx, s.writer, func(tx *sql.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		for _, id := range done {
			if _, err := tx.StmtContext(ctx, s.deleteMark).ExecContext(ctx, id); err != nil {
				return fmt.Errorf("delete mark: %w", err)
			}
		}
		for _, id := range added {
			if _, err := tx.StmtContext(ctx, s.insertMark).ExecContext(ctx, id); err != nil {
				return fmt.Errorf("insert mark: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		s.marks.remove(added)
		return err
	}
	s.marks.remove(done)
	return nil
}

const (
	insertMark = `
	INSERT OR IGNORE INTO marks (block)
	VALUES (?)`
	deleteMark = `
	DELETE FROM marks
	WHERE block = ?`
)
