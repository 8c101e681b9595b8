package data

import (
	"context"
	"database/sql"
	"fmt"

	"liveboard/metrics"
)

// originID returns the id of an origin, which it makes where there is none; of the zero Origin it is nil. It keeps
// what it finds in known.
func originID(ctx context.Context, tx *sql.Tx, known map[metrics.Origin]any, o metrics.Origin) (any, error) {
	if id, ok := known[o]; ok || o == (metrics.Origin{}) {
		return id, nil
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO origins (token, format, sender)
		VALUES (?, ?, ?)
		ON CONFLICT DO NOTHING`, o.Token, o.Format, o.Sender)
	var id int64
	if err == nil {
		err = tx.QueryRowContext(ctx, `
			SELECT id
			FROM origins
			WHERE token = ? AND format = ? AND sender = ?`, o.Token, o.Format, o.Sender).Scan(&id)
	}
	if err != nil {
		return nil, fmt.Errorf("note where series come from: %w", err)
	}
	known[o] = id
	return id, nil
}

func (s *Store) loadOrigins(ctx context.Context) (map[int64]metrics.Origin, error) {
	rows, err := s.readers.QueryContext(ctx, `
		SELECT id, token, format, sender
		FROM origins`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	origins := make(map[int64]metrics.Origin)
	for rows.Next() {
		var id int64
		var o metrics.Origin
		if err := rows.Scan(&id, &o.Token, &o.Format, &o.Sender); err != nil {
			return nil, err
		}
		origins[id] = o
	}
	return origins, rows.Err()
}
