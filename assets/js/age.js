// The server's clock in this page, and what every panel says by it: how old its data is, and whether that is too old.
// It needs no server to go on: a panel whose data stops turns stale by itself.
const readings = [] // of how far the server's clock is ahead of ours; a late message makes one too small, never too large
const KEPT = 60
const LATER = 60_000 // than any message on a living connection is, ms
let drift = drifted()
let low // the first of readings that say that the server's clock was set back

// drifted is constant until somebody sets this machine's clock (or it slept).
function drifted() {
	return Date.now() - performance.now()
}

// heard takes the server's time as it stood in a message that has just come in.
export function heard(serverNow) {
	if (Math.abs(drifted() - drift) > 2000) readings.length = 0
	drift = drifted()
	const at = Date.now(), reading = serverNow - at
	if (setBack(reading, at)) readings.length = 0
	readings.push(reading)
	if (readings.length > KEPT) readings.shift()
	document.documentElement.dataset.skew = String(skew())
}

// setBack believes two readings that are alike though seconds lie between them: messages that have waited come at once.
function setBack(reading, at) {
	if (skew() - reading < LATER) low = undefined
	else if (!low || Math.abs(reading - low.reading) > 2000) low = { reading, at }
	return Boolean(low) && at - low.at > 5000
}

function skew() {
	return readings.length ? Math.max(...readings) : 0
}

// now is the server's time.
export function now() {
	return Date.now() + skew()
}

// refresh brings one panel's age and state up to date. Only fresh and stale are the clock's matter.
export function refresh(article) {
	const { at, staleAfter, state } = article.dataset
	const label = article.querySelector('.age')
	if (!at || !label || !label.textContent && state === 'fresh') return // of a fixed window: it has no age
	const age = Math.max(0, now() - at)
	const stale = Boolean(staleAfter) && age >= staleAfter
	if (stale !== (state === 'stale') && (stale || state === 'stale')) article.dataset.state = stale ? 'stale' : 'fresh'
	write(label, stale ? `stale ${ageText(age)}` : ageText(age))
}

// ageText follows ageText in views/panels.
function ageText(age) {
	const seconds = age / 1000
	if (seconds < 1) return 'now'
	if (seconds < 120) return `${Math.floor(seconds)} s`
	if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
	if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`
	return `${Math.floor(seconds / 86400)} d`
}

function write(element, text) {
	if (element.textContent !== text) element.textContent = text
}

const feed = document.querySelector('[data-now]')
if (feed) heard(Number(feed.dataset.now))
setInterval(() => document.querySelectorAll('article[data-at]').forEach(refresh), 1000)
