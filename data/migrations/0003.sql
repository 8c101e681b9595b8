-- Who brought a series first. token is the id of a token, '' for this machine; sender is an address or a collector.
CREATE TABLE origins (
	id     INTEGER PRIMARY KEY,
	token  TEXT    NOT NULL,
	format TEXT    NOT NULL,
	sender TEXT    NOT NULL,
	UNIQUE (token, format, sender)
) STRICT;

-- origin is NULL and created_at 0 where that was not kept. created_at is Unix ms.
ALTER TABLE series ADD COLUMN origin INTEGER REFERENCES origins (id);
ALTER TABLE series ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
