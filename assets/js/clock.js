// <live-clock data-zone>: keeps the clock that the server drew going by the server's time, even while the server is
// silent. live.js keeps the difference between the two machines' clocks in the root's data-skew (server minus client, ms).
class LiveClock extends HTMLElement {
	#timer

	connectedCallback() { this.#tick() }
	disconnectedCallback() { clearTimeout(this.#timer) }

	#tick() {
		const now = Date.now() + Number(document.documentElement.dataset.skew ?? 0)
		this.#write(now)
		this.#timer = setTimeout(() => this.#tick(), 1000 - now % 1000)
	}

	#write(now) {
		const say = (selector, options) => {
			const text = new Intl.DateTimeFormat('en-GB', { timeZone: this.dataset.zone, ...options }).format(now).replace(',', '')
			const leaf = this.querySelector(selector)
			if (leaf && leaf.textContent !== text) leaf.textContent = text
		}
		try {
			say('time', { timeStyle: 'medium' })
			say('.date', { weekday: 'long', day: 'numeric', month: 'long' })
		} catch {
			// An old browser does not know the zone: the time stays the server's.
		}
	}
}

customElements.define('live-clock', LiveClock)
