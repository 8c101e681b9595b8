// Measures what the page /doctor tells. What the measurements mean the server says (handlers/doctor), in the words
// that the command liveboard doctor has as well.
import { events } from './events.js'

const PARALLEL = 7 // one more than a browser has connections to a host
const OPENS_WITHIN = 3000
const ENDS_WITHIN = 25_000 // any probe

const seen = { browser: true } // what all judgements need

// A refusal's message is a sentence.
class Refusal extends Error {}

// ask gets JSON. It throws a Refusal where something else than the server answers.
async function ask(path) {
	const answer = await fetch(path, { redirect: 'manual', signal: AbortSignal.timeout(ENDS_WITHIN) })
	const type = answer.headers.get('Content-Type') ?? ''
	if (!answer.ok || !type.startsWith('application/json')) {
		throw new Refusal(answer.type === 'opaqueredirect'
			? 'Requests are sent elsewhere: to a login page, a captive portal, or by a rule of a proxy.'
			: `Something else answers in the server's place, or the server refuses (${answer.status}, ${type || 'of no type'}).`)
	}
	return { answer, said: await answer.json() }
}

// watch opens a stream and returns how it came. until(events) may end it.
async function watch(path, until = () => false, within = ENDS_WITHIN) {
	const began = performance.now()
	const since = () => performance.now() - began
	const control = new AbortController()
	const timer = setTimeout(() => control.abort(), within)
	const stream = { status: 0, events: [] }
	try {
		const answer = await fetch(path, { cache: 'no-store', redirect: 'error', signal: control.signal })
		stream.opened = since()
		stream.status = answer.status
		stream.type = answer.headers.get('Content-Type') ?? ''
		stream.cacheControl = answer.headers.get('Cache-Control') ?? ''
		stream.encoding = answer.headers.get('Content-Encoding') ?? ''
		const read = events((_, lines) => note(stream, lines, since()))
		const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
		for (;;) {
			const { done, value } = await reader.read()
			if (done || until(stream.events)) break
			read(value)
			if (until(stream.events)) break
		}
	} catch (error) {
		stream.fault = control.signal.aborted ? 'nothing more came' : error.message
	} finally {
		clearTimeout(timer)
		control.abort()
	}
	stream.ended = since()
	return stream
}

function note(stream, lines, came) {
	if (!lines.length) return
	const said = JSON.parse(lines.join('\n'))
	stream.first ??= came
	stream.gzip = said.gzip ?? false
	stream.events.push({ sent: said.now, came })
}

// greeting is watch up to the first event.
const greeting = path => watch(path, list => list.length > 0, OPENS_WITHIN)

// answered asks the same twice, and the clocks with it.
async function answered() {
	const path = `/doctor/echo?once=${Math.random()}`
	const before = Date.now()
	const { answer, said } = await ask(path)
	const after = Date.now()
	const again = await ask(path)
	seen.echo = again.said
	seen.server = answer.headers.get('Server') ?? ''
	seen.via = answer.headers.get('Via') ?? ''
	seen.ahead = said.now - (before + after) / 2
	seen.doubt = (after - before) / 2
	seen.version = performance.getEntriesByType('resource').find(entry => entry.name.endsWith(path))?.nextHopProtocol ?? ''
	return {
		answer: {
			status: answer.status, type: answer.headers.get('Content-Type') ?? '',
			cacheControl: answer.headers.get('Cache-Control') ?? '', repeated: said.request === again.said.request,
		},
	}
}

// atOnce opens streams that stay open until the last of them has said something, or it is clear that it will not. What
// opens when another has ended does not count.
async function atOnce() {
	let opened = 0
	let over = false
	const all = Array.from({ length: PARALLEL }, () => {
		let counted = false
		return watch('/doctor/stream/silent', list => {
			if (list.length && !counted && !over) {
				counted = true
				opened++
			}
			return opened === PARALLEL
		}, OPENS_WITHIN).finally(() => { over = true })
	})
	const streams = await Promise.all(all)
	return { opened, stream: streams.find(({ status }) => status === 429) ?? streams[0] }
}

const stream = watching => watching.then(stream => ({ stream }))

// examine makes the checks in an order in which none takes a connection from another: the stream that is silent for
// long comes last.
async function examine() {
	await check('answer', answered)
	if (!seen.echo) {
		for (const row of document.querySelectorAll('[data-verdict="waiting"]')) show(row, { verdict: 'unknown', text: '' })
		return
	}
	for (const name of ['version', 'clock', 'limit', 'files']) await check(name, () => ({}))
	await check('live', () => stream(greeting('/live/?surface=index')))
	await Promise.all([
		check('steady', () => stream(watch('/doctor/stream/steady?plain'))),
		check('late', () => stream(watch('/doctor/stream/late'))),
		check('gzip', () => stream(watch('/doctor/stream/steady'))),
	])
	await check('parallel', atOnce)
	await check('idle', () => stream(watch('/doctor/stream/silent')))
}

// check measures, has the measurements judged, and shows what they mean.
async function check(name, measure) {
	const row = document.getElementById(`check-${name}`)
	show(row, { verdict: 'running', text: '' })
	try {
		const measured = await measure()
		const query = new URLSearchParams({ seen: JSON.stringify({ ...seen, ...measured }) })
		show(row, (await ask(`/doctor/finding/${name}?${query}`)).said)
	} catch (error) {
		const text = error instanceof Refusal ? error.message : 'The server cannot be reached.'
		show(row, { verdict: seen.echo ? 'unknown' : 'bad', text })
	}
}

const words = { running: 'still running', good: 'good', warn: 'could be better', bad: 'bad', unknown: 'unknown' }

function show(row, { verdict, text, cures = [] }) {
	row.dataset.verdict = verdict
	row.querySelector('.verdict').textContent = words[verdict]
	row.querySelector('.said').textContent = text
	row.querySelector('.cures').replaceChildren(...cures.map(cure => written(cure, cures.length === 1)))
	tell()
}

// written shows a cure. Its style makes one click select all of it.
function written({ program, where, lines }, open) {
	const details = Object.assign(document.createElement('details'), { open })
	const summary = Object.assign(document.createElement('summary'), { textContent: `${program}, ${where}` })
	const pre = Object.assign(document.createElement('pre'), { textContent: lines, tabIndex: 0 })
	details.append(summary, pre)
	return details
}

// tell says how far it is, for those who do not see the list fill.
function tell() {
	const rows = [...document.querySelectorAll('[data-check]')]
	const count = verdict => rows.filter(({ dataset }) => dataset.verdict === verdict).length
	const open = count('waiting') + count('running')
	const result = ['bad', 'warn', 'unknown', 'good'].filter(count).map(verdict => `${count(verdict)} ${words[verdict]}`).join(', ')
	const text = open ? `${rows.length - open} of ${rows.length} checks are done` : `Done: ${result}`
	document.getElementById('state').textContent = text
}

examine()
