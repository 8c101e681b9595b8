// <live-rows> takes a ranking from the print it shows to the next one, and vanishes. Its form is that of views/panels.
// Whatever patch moves the rows of a ranking, a small or a whole one, each then goes to its new place from where it is
// seen, and one with another score flashes. live.js sends 'patching' and 'patched' around each patch.
const calm = matchMedia('(prefers-reduced-motion: reduce)')
const TRAVEL = 450 // ms
const FLASH = 1600
const LISTS = '.rows, .arrived'
const SAY = 5000 // between two sentences: a screen reader cannot keep up with a lively board

class LiveRows extends HTMLElement {
	connectedCallback() {
		const ranking = document.getElementById(this.getAttribute('for'))
		const list = ranking?.querySelector(LISTS)
		if (list) this.#apply(ranking, list)
		this.remove()
	}

	#apply(ranking, list) {
		const prefix = this.getAttribute('for') === 'ranking' ? 'r-' : `${this.getAttribute('for')}-r-`
		const rows = new Map([...list.children].map(row => [row.id, row]))
		for (const row of [...this.children]) {
			const old = rows.get(row.id)
			if (old) merge(old, row)
			else rows.set(row.id, row)
		}
		const order = this.getAttribute('order')
		if (order !== null) arrange(list, order.split(' ').map(token => rows.get(prefix + token)).filter(Boolean))
		for (const name of ['total', 'banner']) {
			const leaf = ranking.querySelector('.' + name)
			if (leaf && this.hasAttribute(name)) leaf.textContent = this.getAttribute(name)
		}
		if (this.hasAttribute('said')) say(ranking, this.getAttribute('said'))
	}
}

// merge makes an element look as another, and keeps as much of it as it can: a link that has the focus stays.
function merge(to, from) {
	for (const { name, value } of from.attributes) if (to.getAttribute(name) !== value) to.setAttribute(name, value)
	for (const { name } of [...to.attributes]) if (!from.hasAttribute(name) && !['data-climbs', 'open'].includes(name)) to.removeAttribute(name)
	const [are, should] = [[...to.childNodes], [...from.childNodes]]
	if (are.length !== should.length || are.some((node, i) => node.nodeName !== should[i].nodeName)) return to.replaceChildren(...should)
	are.forEach((node, i) => {
		if (node.nodeType === Node.ELEMENT_NODE) merge(node, should[i])
		else if (node.data !== should[i].data) node.data = should[i].data
	})
}

// arrange gives the list these rows in this order, moving few of them.
function arrange(list, rows) {
	const focus = list.contains(document.activeElement) ? document.activeElement : null
	let at = list.firstElementChild
	for (const row of rows) {
		if (at && at !== row && at.nextElementSibling === row) { // one sank or left: the rest need not move for it
			place(list, at, null)
			at = row
		}
		if (row === at) at = at.nextElementSibling
		else place(list, row, at)
	}
	while (at) {
		const next = at.nextElementSibling
		at.remove()
		at = next
	}
	if (focus?.isConnected && focus !== document.activeElement) focus.focus({ preventScroll: true })
}

// place puts a row before another; where the browser can, without a moment outside of the page.
function place(list, row, before) {
	if (list.moveBefore && row.isConnected && row.parentNode === list) list.moveBefore(row, before)
	else list.insertBefore(row, before)
}

const spoken = new WeakMap() // ranking → { at, next }

// say has a sentence read out. Of many in a row it is the newest.
function say(ranking, text) {
	const last = spoken.get(ranking) ?? { at: 0 }
	spoken.set(ranking, last)
	last.next = text
	last.timer ??= setTimeout(() => {
		last.at = Date.now()
		last.timer = undefined
		const line = ranking.querySelector('.said')
		if (line) line.textContent = last.next
	}, Math.max(0, last.at + SAY - Date.now()))
}

const travels = new WeakMap() // row → its animation
let seen = null // rows before the patch: id → what of them

function look() {
	if (document.hidden) return null
	const rows = new Map()
	for (const list of document.querySelectorAll(LISTS)) {
		const near = nearness(list)
		for (const row of list.children) {
			const top = row.offsetTop
			rows.set(row.id, near(top) ? { top, left: row.offsetLeft, drift: drift(row), value: value(row) } : { top })
		}
	}
	return rows
}

// nearness tells which heights of the list are to be seen, or are so near that a row may come from there.
function nearness(list) {
	const { top } = list.getBoundingClientRect()
	return y => top + y > -innerHeight / 2 && top + y < innerHeight * 1.5
}

// drift is how far a row that is on its way still is from its place.
function drift(row) {
	if (travels.get(row)?.playState !== 'running') return 0
	return new DOMMatrixReadOnly(getComputedStyle(row).transform).m42
}

function value(row) {
	return row.querySelector('.score')?.value
}

function show(before) {
	for (const list of document.querySelectorAll(LISTS)) {
		const near = nearness(list), moves = []
		for (const row of list.children) {
			const was = before.get(row.id), y = row.offsetTop
			if (!was || !near(y) && was.value === undefined) continue
			const { top, left = row.offsetLeft, drift = 0 } = was
			if (y !== top && left === row.offsetLeft) moves.push([row, top + drift - y])
			if (was.value !== undefined && value(row) !== was.value && near(y)) flash(row)
		}
		for (const [row, from] of moves) travel(row, from) // after all is read: to write in between costs a layout each
	}
}

// travel goes from so many pixels away to the row's place. Who climbs passes over the others.
function travel(row, from) {
	travels.get(row)?.cancel()
	row.toggleAttribute('data-climbs', from > 0)
	const animation = row.animate({ transform: [`translateY(${from}px)`, 'none'] }, { duration: TRAVEL, easing: 'cubic-bezier(.2, .7, .2, 1)' })
	travels.set(row, animation)
	animation.onfinish = () => row.removeAttribute('data-climbs')
}

function flash(row) {
	row.animate({ opacity: [1, 0] }, { duration: FLASH, pseudoElement: '::after' })
}

document.addEventListener('patching', () => { seen = calm.matches ? null : look() })
document.addEventListener('patched', () => {
	if (seen) show(seen)
	seen = null
})

customElements.define('live-rows', LiveRows)
