// Keeps the page current: it takes what the line brings, in whole ticks, never an older one over a newer, and has
// Datastar morph it; and it tells how current the page is. See the wire in the README.
import './datastar.js'
import { heard, now } from './age.js'
import { covers } from './cursor.js'
import { Line } from './line.js'
import { client, recall, remember } from './memory.js'

const POLL_LIMIT = 40_000 // a poll answers within 25 s
const SLOW = 3000 // a page that took so long to come has a slow link
const RELOAD_LEAST = 2000 // between two loads of the page that nobody asked for

const feed = document.querySelector('[data-live-url]')
let cursor = feed?.dataset.cursor ?? '' // of what the page shows
let beat = 10_000 // the server says
let last = Date.now() // when something came for this page
let since = last // when we began to listen
let away = false // nobody can look, and we do not listen
let mark = { state: 'reconnecting', text: 'connecting', why: recall() }

function show(next) {
	mark = next
	for (const element of document.querySelectorAll('[data-live]')) {
		if (element.dataset.live !== mark.state) element.dataset.live = mark.state
		const label = element.querySelector('[data-live-text]') ?? element
		if (label.textContent !== mark.text) label.textContent = mark.text
	}
}

const takers = {
	here({ standing }) { if (standing) confirm(standing.mark, standing.heardAt) },
	hello({ said, mark }) {
		hear(said)
		beat = said.beat * 1000
		if (said.build !== feed.dataset.build) document.dispatchEvent(new CustomEvent('build', { detail: said.build }))
		confirm(mark)
	},
	tick({ cursor: next, events, mark }) {
		for (const { type, lines } of events) if (type === 'beat') hear(JSON.parse(lines.join('\n')))
		if (!covers(cursor, next)) {
			cursor = next
			patch(events.filter(({ type }) => type === 'datastar-patch-elements'))
		}
		confirm(mark)
	},
	mark({ mark: { state, text, why } }) {
		if (mark.state !== 'lost') show({ state, text, why })
	},
	gone: () => setTimeout(() => location.reload(), RELOAD_LEAST - performance.now()),
	left() {
		away = true
		show({ ...mark, state: 'reconnecting', text: 'paused' })
	},
	back() {
		away = false
		since = Date.now()
		show({ ...mark, state: 'reconnecting', text: 'reconnecting' })
	},
}

// hear takes what the server says of itself.
function hear(said) {
	heard(said.now)
	for (const mark of document.querySelectorAll('[data-viewers]')) {
		if (mark.textContent !== String(said.viewers)) mark.textContent = said.viewers
	}
}

// confirm notes that something has come, and when.
function confirm(said, at = Date.now()) {
	last = at
	if (said.why !== mark.why) remember(said.why)
	show(said)
}

function patch(events) {
	if (events.length === 0) return
	document.dispatchEvent(new Event('patching'))
	for (const { lines } of events) {
		const detail = { type: 'datastar-patch-elements', el: document.body, argsRaw: argumentsOf(lines) }
		document.dispatchEvent(new CustomEvent('datastar-fetch', { detail }))
	}
	document.dispatchEvent(new Event('patched'))
}

function argumentsOf(lines) {
	const args = {}
	for (const line of lines) {
		const [, key, value] = /^(\S+) ?(.*)$/s.exec(line)
		args[key] = key in args ? `${args[key]}\n${value}` : value
	}
	return args
}

// The mark must not lie when nothing comes any more, whatever the connection believes.
function doubt() {
	const silence = Date.now() - Math.max(last, since)
	if (away || silence <= (mark.why ? POLL_LIMIT : 1.2 * beat)) return
	const from = new Date(now() - (Date.now() - last))
	show({ ...mark, state: 'lost', text: `lost since ${from.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}` })
}

function slow() {
	const { effectiveType, saveData } = navigator.connection ?? {}
	return Boolean(saveData) || ['slow-2g', '2g', '3g'].includes(effectiveType) || loaded > SLOW
}

const loaded = performance.now()
if (feed) {
	const { liveUrl, pollUrl, build } = feed.dataset
	const view = { name: liveUrl.replace(/^\/live\//, ''), live: liveUrl, poll: pollUrl }
	new Line({
		build,
		keeps: document.documentElement.dataset.surface === 'kiosk',
		letGo: () => feed.dataset.letGo,
		say: () => ({ view, cursor, client: client(), slow: slow(), polling: mark.why }),
		hear: message => takers[message.type](message),
	})
	setInterval(doubt, 1000)
}
