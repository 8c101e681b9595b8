// A tab's line to the carrier: it says that the tab is there, as long as somebody can look, and hears what comes. The
// carrier is the one that all tabs share where the browser has SharedWorkers, else the page's own.
import { serve } from './exchange.js'

const SAY = 10_000
const ANSWER = 3000 // within which a worker says that it is there
const LET_GO = 30_000 // after which a hidden tab leaves its place to others
const SWEEPS = 7 // of 5 s, unheard for which a tab counts as dead
const SWEEPS_HIDDEN = 30 // for one that stays when hidden: browsers let it speak once a minute

export class Line {
	#say
	#hear
	#keeps
	#letGo
	#port
	#unanswered = 0
	#leaving = 0 // timer
	#left = false

	// A Line says what say() returns and calls hear(message) for what comes, and with { type: 'left' } and
	// { type: 'back' } when the tab lets go and returns. keeps holds on while the tab is hidden; letGo() is the time in
	// ms until others do not.
	constructor({ build, say, hear, keeps, letGo }) {
		this.#say = say
		this.#hear = hear
		this.#keeps = keeps
		this.#letGo = letGo
		this.#open(build)
		if (document.hidden) this.#look()
		setInterval(() => this.#remind(), SAY)
		document.addEventListener('visibilitychange', () => this.#look())
		addEventListener('online', () => this.#here({ renews: true }))
		addEventListener('pagehide', () => this.#leave())
		addEventListener('pageshow', ({ persisted }) => { if (persisted) this.#look() })
	}

	#open(build) {
		try {
			const worker = new SharedWorker(new URL('./worker.js', import.meta.url), { type: 'module', name: build })
			worker.onerror = () => this.#own(worker.port)
			this.#use(worker.port)
			this.#expect({})
		} catch {
			this.#own() // there are none, or a frame of another site may not have one
		}
	}

	// own takes a carrier of our own instead of the one at that port.
	#own(shared) {
		if (shared !== this.#port) return
		shared?.postMessage({ leaves: true })
		const { port1, port2 } = new MessageChannel()
		serve(port2)
		this.#use(port1)
		this.#here({})
	}

	#use(port) {
		this.#port = port
		this.#unanswered = 0
		port.onmessage = ({ data }) => {
			if (port !== this.#port) return
			this.#unanswered = 0
			if (data.type === 'full') this.#own(port)
			else if (!this.#left) this.#hear(data)
		}
	}

	#here(more) {
		if (this.#left) return
		this.#unanswered++
		this.#port.postMessage({ ...this.#say(), sweeps: this.#keeps ? SWEEPS_HIDDEN : SWEEPS, ...more })
	}

	// expect says that we are here to one of whom we do not know whether it listens.
	#expect(more) {
		const port = this.#port
		this.#here(more)
		setTimeout(() => { if (this.#unanswered) this.#own(port) }, ANSWER)
	}

	#remind() {
		if (this.#unanswered > 1) this.#own(this.#port) // it has died
		else this.#here({})
	}

	#look() {
		clearTimeout(this.#leaving)
		if (document.hidden) {
			if (!this.#keeps) this.#leaving = setTimeout(() => this.#leave(), this.#letGo() ?? LET_GO)
			return
		}
		if (this.#left) {
			this.#left = false
			this.#hear({ type: 'back' })
		}
		this.#expect({ wakes: true })
	}

	#leave() {
		if (this.#left) return
		this.#left = true
		this.#port.postMessage({ leaves: true })
		this.#hear({ type: 'left' })
	}
}
