// A Carrier keeps views current: one question, "what is newer than my cursors?", asked by a stream, or by polls where
// no stream comes through, for ever. It knows no page, so it runs in a worker as well. See the wire in the README.
import { covers, epochOf } from './cursor.js'
import { Failure, request } from './request.js'

const FIRST_BYTE = 3000 // after which a stream counts as held back
const FIRST_BYTE_SLOW = 5000 // on a slow link
const POLL_LIMIT = 40_000 // a poll answers within 25 s
const FIRST_ANSWER = 10_000 // the first one at once
const POLL_LEAST = 500 // between polls that bring nothing: somebody else may answer them
const POLL_EVERY = 2000 // where all streams of this browser are taken, and so all but one of its connections
const PROBE_LEAST = 5000 // while polling, a stream is tried again, at first soon
const PROBE_MOST = 60_000
// The pause before the next try is a random part of half the time that we are away already, within these bounds: an
// absence of up to twenty seconds ends within ten once it can.
const WAIT_LEAST = 1000
const WAIT_MOST = 30_000
const GOOD = 5000 // a stream that lasted so long; one that ends at once again and again counts as away
const GATHER = 50 // views that come together cost one request
const ASLEEP = 5000 // without a tick of a clock that ticks each second

// Why we poll, as the live mark tells it.
const reasons = { held: 'the stream is held back', 'status-429': 'too many streams' }

export class Carrier {
	client = '' // names the browser to the server
	slow = false // the link is known to be slow

	#tell
	#views = new Map() // name → { name, live, poll: its addresses, cursor, epoch: '' until greeted, heardAt }
	#mark = { state: 'reconnecting', text: 'connecting', why: '' }
	#beat = 10_000 // the server says
	#heardAt = Date.now() // when the last byte came
	#askedAt = 0
	#silence = POLL_LIMIT // that the request may keep
	#control = null // of the request
	#waits = false // it is a poll that may do so for long
	#rouse = () => {} // ends a pause
	#reason = '' // of the last failure, until a stream comes through
	#polling = '' // why, or ''
	#probeEvery = PROBE_LEAST
	#probeAt = 0
	#broken = 0 // streams in a row
	#comeBack // ms until the server wants to see us again, when it said goodbye

	// A Carrier calls tell(names, message) for what concerns the views of these names, all of them where names is null.
	// It begins by polling where polling says why.
	constructor(tell, polling) {
		this.#tell = tell
		this.#polling = this.#reason = polling
		this.#probeAt = Date.now() + PROBE_LEAST
		this.#keep()
		this.#watch()
	}

	get size() { return this.#views.size }

	carries(name) { return this.#views.has(name) }

	// carry takes a view up for one who shows it at that cursor: every tick that is told from now on follows on it. Who
	// shows a newer one than is told must pass over what it has. It returns the live mark and since when it holds, null
	// where that is yet to be told.
	carry({ name, live, poll }, shown) {
		const view = this.#views.get(name)
		if (view && (view.cursor === '' || covers(shown, view.cursor))) return this.#standing(view)
		// While polling all is asked for, which comes at once: the mark need not wait for news.
		let cursor = this.#mark.state === 'poll' ? '' : shown
		if (view && epochOf(view.cursor) !== epochOf(shown)) cursor = ''
		this.#views.set(name, { name, live, poll, cursor, epoch: '', heardAt: 0 })
		this.reopen()
		return null
	}

	#standing({ epoch, heardAt }) {
		return epoch && this.#mark.state !== 'reconnecting' ? { mark: this.#mark, heardAt } : null
	}

	drop(name) {
		if (this.#views.delete(name)) this.reopen()
	}

	// wake comes back at once from a pause or a connection that has died while nobody could notice, and soon to a stream.
	wake() {
		this.#rouse()
		this.#probeEvery = PROBE_LEAST
		this.#probeAt = Math.min(this.#probeAt, Date.now() + PROBE_LEAST)
		if (Date.now() - Math.max(this.#heardAt, this.#askedAt) > this.#silence) this.#control?.abort('asleep')
	}

	// reopen asks anew, for what is to be carried by now or because the network has changed. The mark stands meanwhile.
	reopen() {
		this.#control?.abort('reopen')
		this.#rouse()
	}

	// watch notices that the machine has slept, and that a poll has waited until the next probe.
	#watch() {
		let last = Date.now()
		setInterval(() => {
			if (Date.now() - last > ASLEEP) this.wake()
			if (this.#waits && Date.now() > this.#probeAt) this.#control?.abort('reopen')
			last = Date.now()
		}, 1000)
	}

	async #keep() {
		for (let away; ;) { // since when
			if (this.#views.size === 0) {
				await this.#pause()
				away = undefined
				continue
			}
			const began = Date.now()
			let failure
			try {
				await this.#turn()
			} catch (error) {
				failure = error
			}
			if (failure?.message === 'reopen') {
				await new Promise(resolve => setTimeout(resolve, GATHER))
				continue
			}
			if (!failure && this.#polling) {
				away = undefined
				continue
			}
			if (failure) this.#note(failure)
			if (!away || this.#heardAt - began > GOOD) away = Date.now()
			const wait = failure?.message === 'asleep' ? 0 : this.#comeBack ?? Math.max(jitter(Date.now() - away), spread(failure?.retryAfter ?? 0))
			if (wait > 0) this.#show('reconnecting', 'reconnecting')
			await this.#pause(wait)
		}
	}

	// note remembers why a try failed. Whatever it was, the cure is to come back.
	#note(failure) {
		if (!(failure instanceof Failure)) {
			reportError(failure)
			return
		}
		this.#reason = failure.message
		if (failure.ours) this.#gone([...this.#views.keys()])
	}

	// pause ends early when somebody looks again or the network is back. Without a time it lasts until then.
	#pause(ms) {
		return new Promise(resolve => {
			const timer = ms === undefined ? 0 : setTimeout(resolve, ms)
			this.#rouse = () => {
				clearTimeout(timer)
				resolve()
			}
		})
	}

	// turn asks once, the way that suits.
	async #turn() {
		this.#comeBack = undefined
		if (this.#polling && Date.now() < this.#probeAt) {
			await this.#poll(this.#polling)
			return
		}
		try {
			await this.#stream()
		} catch (failure) {
			if (!this.#pollsAfter(failure)) throw failure
			this.#note(failure)
			await this.#poll(this.#polling || failure.message)
		}
	}

	// pollsAfter reports whether a poll may do where a stream failed.
	#pollsAfter({ message, ours, retryAfter }) {
		if (['reopen', 'asleep'].includes(message) || ours || this.#comeBack !== undefined) return false
		if (message in reasons || this.#polling) {
			this.#probeAt = Date.now() + Math.max(this.#probeEvery, spread(retryAfter))
			this.#probeEvery = Math.min(2 * this.#probeEvery, PROBE_MOST)
			return true
		}
		if (++this.#broken % 3) return false
		this.#probeAt = 0 // if it was not the stream's fault alone
		this.#probeEvery = PROBE_LEAST
		return true
	}

	async #stream() {
		let began
		const limits = { first: this.slow ? FIRST_BYTE_SLOW : FIRST_BYTE, silence: 2.5 * this.#beat }
		try {
			await this.#ask('live', limits, () => {
				began = Date.now()
				this.#reason = this.#polling = ''
				this.#show('stream', 'live')
			})
		} finally {
			if (this.#heardAt - began > GOOD) {
				this.#probeEvery = PROBE_LEAST
				this.#broken = 0
			}
		}
		if (this.#comeBack === undefined) throw new Failure('ended')
	}

	async #poll(why) {
		const shares = why === 'status-429' && this.#views.size === 1 // of several views one could starve the others
		const first = shares || this.#mark.state !== 'poll', began = Date.now()
		if (first) for (const view of this.#views.values()) view.cursor = '' // as in carry
		let news = false
		this.#waits = !first
		try {
			await this.#ask('poll', { first: first ? FIRST_ANSWER : POLL_LIMIT, silence: POLL_LIMIT }, () => {
				this.#polling = why
				this.#show('poll', `polling (${reasons[why] ?? 'the stream breaks off'})`)
			}, () => { news = true })
		} catch (failure) {
			if (failure.message !== 'reopen') this.#probeAt = 0
			throw failure
		} finally {
			this.#waits = false
		}
		if (shares) await this.#pause(POLL_EVERY * (0.5 + Math.random()))
		else if (!news && Date.now() - began < POLL_LEAST) await this.#pause(POLL_LEAST)
	}

	// ask makes one request. It calls first at the first byte, and ticked at each tick.
	async #ask(way, limits, first, ticked = () => {}) {
		const control = this.#control = new AbortController()
		this.#silence = limits.silence
		this.#askedAt = Date.now()
		const gathered = [] // events since the last cursor
		let begun = false
		const heard = () => {
			this.#heardAt = Date.now()
			if (!begun) first()
			begun = true
		}
		const receive = (type, lines, id) => {
			if (type === 'hello') this.#greet(JSON.parse(lines.join('\n')))
			else if (type === 'bye') this.#part(JSON.parse(lines.join('\n')))
			else if (type) gathered.push({ type, lines })
			if (id === undefined) return
			this.#tick(id, gathered.splice(0))
			ticked()
			if (way === 'live') this.#miss(control)
		}
		try {
			await request(this.#url(way), this.#headers(), limits, control, heard, receive)
		} finally {
			this.#control = null
		}
		if (!begun) throw new Failure('ended')
	}

	#url(way) {
		const views = [...this.#views.values()]
		if (views.length === 1) return views[0][way]
		return `/${way}?` + views.map(({ name, cursor }) => `view=${encodeURIComponent(name)}&cursor=${encodeURIComponent(cursor)}`).join('&')
	}

	#headers() {
		const headers = { 'Liveboard-Client': this.client }
		const [view] = this.#views.values()
		if (this.#views.size === 1) headers['Last-Event-ID'] = view.cursor
		if (this.#reason) headers['Liveboard-Reason'] = this.#reason
		return headers
	}

	#greet(said) {
		const view = this.#views.get(said.view || this.#only())
		if (!view) return
		view.epoch = said.epoch
		view.heardAt = Date.now()
		this.#beat = said.beat * 1000
		this.#tell([view.name], { type: 'hello', said, mark: this.#mark })
	}

	// only returns the name of the view that an answer means which names none.
	#only() {
		return this.#views.keys().next().value
	}

	#part({ why, retry, view }) {
		if (why === 'gone') {
			this.#gone(view ? [view] : [...this.#views.keys()])
			return
		}
		this.#reason = why === 'turnover' ? '' : why
		this.#comeBack = retry
	}

	// gone gives views up that the server does not have any more.
	#gone(names) {
		for (const name of names) this.#views.delete(name)
		this.#tell(names, { type: 'gone' })
	}

	#tick(cursor, events) {
		const epoch = epochOf(cursor), names = []
		for (const view of this.#views.values()) {
			if (view.epoch !== epoch) continue
			Object.assign(view, { cursor, heardAt: Date.now() })
			names.push(view.name)
		}
		this.#tell(names, { type: 'tick', cursor, events, mark: this.#mark })
	}

	// miss ends a stream that goes on for some views, and has forgotten one.
	#miss(control) {
		for (const { heardAt } of this.#views.values()) {
			if (Date.now() - Math.max(heardAt, this.#askedAt) > 3 * this.#beat) control.abort('silent')
		}
	}

	#show(state, text) {
		this.#mark = { state, text, why: this.#polling }
		if (state === 'reconnecting') this.#tell(null, { type: 'mark', mark: this.#mark }) // else each view's hello brings it
	}
}

function jitter(away) {
	return Math.random() * Math.min(WAIT_MOST, Math.max(WAIT_LEAST, away / 2))
}

// spread keeps those apart who were told the same.
function spread(ms) {
	return ms * (1 + Math.random() / 2)
}
