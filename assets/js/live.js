// Keeps the page current: one question, "what is newer than my cursor?", asked by a stream, or by polls where no
// stream comes through, for ever. It carries; Datastar morphs. See the wire in the README.
import './datastar.js'
import { heard, now } from './age.js'
import { events } from './events.js'

const FIRST_BYTE = 3000 // after which a stream counts as held back
const POLL_LIMIT = 40_000 // a poll answers within 25 s
const FIRST_ANSWER = 10_000 // the first one at once
const PROBE_LEAST = 5000 // while polling, a stream is tried again, at first soon
const PROBE_MOST = 60_000
// The pause before the next try is a random part of half the time that we are away already, within these bounds: an
// absence of up to twenty seconds ends within ten once it can.
const WAIT_LEAST = 1000
const WAIT_MOST = 30_000
const GOOD = 5000 // a stream that lasted so long; one that ends at once again and again counts as away

const feed = document.querySelector('[data-live-url]')
let cursor = feed?.dataset.cursor ?? ''
let beat = 10_000 // the server says
let last = Date.now() // when the last byte came
let comeBack // ms until the server wants to see us again, when it said goodbye
let polling = recall() // why, or null
let probeEvery = PROBE_LEAST
let probeAt = Date.now() + probeEvery
let mark = { state: 'reconnecting', text: 'connecting' }

function show(state, text) {
	mark = { state, text }
	for (const element of document.querySelectorAll('[data-live]')) {
		if (element.dataset.live !== state) element.dataset.live = state
		const label = element.querySelector('[data-live-text]') ?? element
		if (label.textContent !== text) label.textContent = text
	}
}

function receive(type, lines, id) {
	if (type === 'datastar-patch-elements') {
		patch(lines)
	} else if (['hello', 'beat', 'bye'].includes(type)) {
		const said = JSON.parse(lines.join('\n'))
		heard(said.now)
		if (type === 'hello') greet(said)
		if (type === 'bye') leave(said)
	}
	if (id !== undefined) cursor = id
}

function patch(lines) {
	const args = {}
	for (const line of lines) {
		const [, key, value] = /^(\S+) ?(.*)$/s.exec(line)
		args[key] = key in args ? `${args[key]}\n${value}` : value
	}
	const detail = { type: 'datastar-patch-elements', el: document.body, argsRaw: args }
	document.dispatchEvent(new Event('patching'))
	document.dispatchEvent(new CustomEvent('datastar-fetch', { detail }))
	document.dispatchEvent(new Event('patched'))
	show(mark.state, mark.text) // a patch may have brought a new mark
}

function greet({ build, beat: seconds }) {
	beat = seconds * 1000
	if (build !== feed.dataset.build) document.dispatchEvent(new CustomEvent('build', { detail: build }))
}

function leave({ why, retry }) {
	comeBack = retry
	if (why === 'gone') location.reload()
}

// ask makes one request and reads its events to the end. It throws a Failure, and calls first at the first byte.
async function ask(url, firstByte, silence, first) {
	const control = new AbortController()
	let dog = setTimeout(() => control.abort('held'), firstByte)
	const wake = () => { if (Date.now() - last > silence) control.abort('asleep') }
	document.addEventListener('visibilitychange', wake)
	addEventListener('online', wake)
	try {
		const answer = await fetch(url, {
			headers: { Accept: 'text/event-stream', 'Last-Event-ID': cursor },
			cache: 'no-store', redirect: 'error', signal: control.signal,
		})
		check(answer)
		const read = events(receive)
		for await (const piece of pieces(answer)) {
			last = Date.now()
			clearTimeout(dog)
			dog = setTimeout(() => control.abort('silent'), silence)
			first()
			read(piece)
		}
	} catch (error) {
		throw error instanceof Failure ? error : new Failure(control.signal.reason ?? 'network')
	} finally {
		clearTimeout(dog)
		document.removeEventListener('visibilitychange', wake)
		removeEventListener('online', wake)
		control.abort()
	}
}

async function* pieces(answer) {
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
	for (;;) {
		const { done, value } = await reader.read()
		if (done) return
		yield value
	}
}

class Failure extends Error {}

function check(answer) {
	const type = answer.headers.get('Content-Type') ?? ''
	if (answer.ok && type.startsWith('text/event-stream')) return
	// Our own server says that this page is not to be had: its page says why. Anybody else's word for it is not taken.
	if ([401, 404, 410].includes(answer.status) && type.startsWith('application/problem+json')) location.reload()
	throw new Failure(answer.ok ? 'wrong content' : `status ${answer.status}`)
}

async function stream() {
	await ask(feed.dataset.liveUrl, FIRST_BYTE, 2.5 * beat, () => {
		setPolling(null)
		probeEvery = PROBE_LEAST
		show('stream', 'live')
	})
}

async function poll(why) {
	const first = mark.state !== 'poll'
	if (first) cursor = '' // asks for everything, which comes at once: the mark need not wait for news
	await ask(feed.dataset.pollUrl, first ? FIRST_ANSWER : POLL_LIMIT, POLL_LIMIT, () => {
		setPolling(why)
		show('poll', `polling (${why})`)
	})
}

function setPolling(why) {
	polling = why
	try {
		if (why) sessionStorage.setItem('polling', why)
		else sessionStorage.removeItem('polling')
	} catch {
		// Storage is forbidden, as it may be in a frame: the next page finds out anew.
	}
}

function recall() {
	try {
		return sessionStorage.getItem('polling')
	} catch {
		return null
	}
}

// Failures of a stream after which a poll may do, as the live mark tells them.
const reasons = { held: 'the stream is held back', 'status 429': 'too many streams' }

// turn asks once, the way that suits.
async function turn() {
	comeBack = undefined
	if (polling && Date.now() < probeAt) {
		await poll(polling).catch(failure => {
			probeAt = 0
			throw failure
		})
		return
	}
	probeAt = Date.now() + probeEvery
	probeEvery = Math.min(2 * probeEvery, PROBE_MOST)
	try {
		await stream()
	} catch (failure) {
		if (!(failure.message in reasons)) throw failure
		await poll(reasons[failure.message])
	}
}

async function keep() {
	for (let away; ;) { // since when
		const began = Date.now()
		try {
			await turn()
			if (polling) {
				away = undefined
				continue
			}
		} catch {
			// Whatever it was: the mark says that we are not connected, and the cure is to come back.
		}
		if (mark.state !== 'lost') show('reconnecting', 'reconnecting')
		if (!away || last - began > GOOD) away = Date.now()
		await pause(comeBack ?? Math.random() * Math.min(WAIT_MOST, Math.max(WAIT_LEAST, (Date.now() - away) / 2)))
	}
}

// pause ends early when somebody looks again or the network is back.
function pause(ms) {
	return new Promise(resolve => {
		const end = () => {
			if (document.hidden) return
			clearTimeout(timer)
			document.removeEventListener('visibilitychange', end)
			removeEventListener('online', end)
			resolve()
		}
		const timer = setTimeout(() => { document.hidden ? resolve() : end() }, ms)
		document.addEventListener('visibilitychange', end)
		addEventListener('online', end)
	})
}

// The mark must not lie when nothing comes any more, whatever the connection believes.
function doubt() {
	const silence = Date.now() - last
	if (silence > (polling ? POLL_LIMIT : 1.2 * beat)) {
		const since = new Date(now() - silence)
		show('lost', `lost since ${since.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`)
	}
}

if (feed) {
	keep()
	setInterval(doubt, 1000)
}
