// One request for events: it reads what comes, and notices when nothing does.
import { events } from './events.js'

const LONGEST_WAIT = 120_000 // that somebody else can ask us for

// Failure is why a request brought no more, in a word: held, silent, network, status-429, wrong-content, or the word
// it was aborted with.
export class Failure extends Error {
	ours = false // our own server says that this is not to be had
	retryAfter = 0 // ms that we are asked to wait
}

// request reads the answer to its end. control aborts it; limits are the times in ms until the first byte (first) and
// between bytes (silence). It calls heard at each piece, and receive(type, lines, id) for each whole event.
export async function request(url, headers, limits, control, heard, receive) {
	let dog = setTimeout(() => control.abort('held'), limits.first)
	try {
		const answer = await fetch(url, {
			headers: { Accept: 'text/event-stream', ...headers },
			cache: 'no-store', redirect: 'error', signal: control.signal,
		})
		check(answer)
		const read = events(receive)
		for await (const piece of pieces(answer)) {
			control.signal.throwIfAborted() // what was on its way belongs to nobody any more
			clearTimeout(dog)
			dog = setTimeout(() => control.abort('silent'), limits.silence)
			heard()
			take(read, piece)
		}
	} catch (error) {
		throw failureOf(error, control.signal)
	} finally {
		clearTimeout(dog)
		control.abort()
	}
}

function check(answer) {
	const type = answer.headers.get('Content-Type') ?? ''
	if (answer.status === 200 && type.startsWith('text/event-stream')) return
	const failure = new Failure(answer.status === 200 ? 'wrong-content' : `status-${answer.status}`)
	// Anybody else's word for it is not taken.
	failure.ours = [401, 404, 410].includes(answer.status) && type.startsWith('application/problem+json')
	if ([429, 503].includes(answer.status)) {
		const seconds = Number(answer.headers.get('Retry-After')) || 0
		failure.retryAfter = Math.min(Math.max(seconds * 1000, 0), LONGEST_WAIT)
	}
	throw failure
}

async function* pieces(answer) {
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
	for (;;) {
		const { done, value } = await reader.read()
		if (done) return
		yield value
	}
}

// take has events read that may be none of ours.
function take(read, piece) {
	try {
		read(piece)
	} catch (error) {
		reportError(error)
		throw new Failure('wrong-content')
	}
}

function failureOf(error, signal) {
	return error instanceof Failure ? error : new Failure(signal.aborted ? signal.reason : 'network')
}
