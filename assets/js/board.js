// The keyboard on a leaderboard's page. The arrows go from row to row, Home and End to the first and the last one.
// Where they or PageUp and PageDown can go no further, they turn to another page of the list.
const turns = { PageUp: 'prev', PageDown: 'next', Home: 'first', End: 'last' }

function press(event) {
	if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.target.closest('input, summary, .menu')) return
	const rows = [...document.querySelectorAll('#ranking .rows > li')]
	const at = rows.indexOf(document.activeElement?.closest('.rows > li'))
	const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key]
	const done = to !== undefined && to !== at && rows[to] ? go(rows[to]) : atEnd(event.key, at, rows) && turn(turns[event.key])
	if (done) event.preventDefault()
}

// atEnd reports whether the key has brought us as far as it can on this page.
function atEnd(key, at, rows) {
	if (key === 'Home' || key === 'End') return at === (key === 'Home' ? 0 : rows.length - 1)
	const { scrollTop, clientHeight, scrollHeight } = document.documentElement
	return key === 'PageUp' ? scrollTop < 1 : key === 'PageDown' && scrollTop + clientHeight > scrollHeight - 2
}

function go(row) {
	const target = row.querySelector('a') ?? row
	if (target === row) row.tabIndex = -1
	target.focus()
	return true
}

function turn(rel) {
	const link = document.querySelector(`.pager a[rel="${rel}"]`)
	link?.click()
	return Boolean(link)
}

if (document.documentElement.dataset.surface === 'board') document.addEventListener('keydown', press)
