-- The log of scores. A row holds the entries numbered from first on without a gap; the payload's format is described in
-- scoreblock.go. A group is appended as one row, and small rows that stand beside each other are merged later.
CREATE TABLE scores (
	first   INTEGER PRIMARY KEY,
	count   INTEGER NOT NULL,
	payload BLOB    NOT NULL
) STRICT;

-- The Idempotency-Keys of the last day. Ids ascend with time, so the oldest are found without an index.
CREATE TABLE requests (
	id     INTEGER PRIMARY KEY,
	board  TEXT    NOT NULL,
	key    TEXT    NOT NULL,
	hash   BLOB    NOT NULL, -- SHA-256 of the body
	first  INTEGER NOT NULL, -- the first entry in scores
	count  INTEGER NOT NULL,
	at     INTEGER NOT NULL, -- Unix ms
	answer BLOB,
	UNIQUE (board, key)
) STRICT;

-- Times are Unix ms, 0 for never.
CREATE TABLE tokens (
	id         TEXT    PRIMARY KEY,
	name       TEXT    NOT NULL,
	scopes     TEXT    NOT NULL, -- with a space between
	hash       BLOB    NOT NULL, -- SHA-256 of the secret
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_at    INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The secret is stored as it is: to check a signature is to make it again.
CREATE TABLE signing_keys (
	board      TEXT    NOT NULL,
	id         TEXT    NOT NULL,
	secret     TEXT    NOT NULL,
	created_at INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL,
	PRIMARY KEY (board, id)
) STRICT, WITHOUT ROWID;
