// Cursors as the server spells them: EPOCH-REVISION.

function parts(cursor) {
	const at = cursor.lastIndexOf('-')
	return { epoch: cursor.slice(0, Math.max(at, 0)), rev: Number(cursor.slice(at + 1)) }
}

export function epochOf(cursor) {
	return parts(cursor).epoch
}

// covers reports whether one who shows a page at that cursor has everything that came up to the other one.
export function covers(shown, other) {
	const [a, b] = [parts(shown), parts(other)]
	return a.epoch !== '' && a.epoch === b.epoch && a.rev >= b.rev
}
