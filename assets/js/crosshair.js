// What a pointer, a finger or the arrow keys show on a <live-chart>: the values at an instant. A drag with the mouse
// asks for the span it covers. All of it lives in the chart's shadow, where no morph meets it.
import { format } from './format.js'

const step = 4 // units of x from one instant of the grid to the next

export class Crosshair {
	#chart
	#at = null // x that is shown
	#from = null // x where a drag began
	#line = part('div', 'cross')
	#box = part('div', 'box')
	#span = part('div', 'span')

	constructor(chart) {
		this.#chart = chart
		chart.attachShadow({ mode: 'open' }).append(document.createElement('slot'), this.#span, this.#line, this.#box)
		this.#hide()
		chart.addEventListener('pointermove', event => this.#move(event))
		chart.addEventListener('pointerdown', event => this.#press(event))
		chart.addEventListener('pointerup', event => this.#release(event))
		chart.addEventListener('keydown', event => this.#key(event))
		for (const end of ['pointerleave', 'pointercancel', 'dblclick', 'blur']) chart.addEventListener(end, () => this.#hide())
	}

	// follow shows the instant where it stands after the view has moved.
	follow() {
		if (this.#at !== null) this.#show(this.#at)
	}

	#x(event) {
		const d = this.#chart.drawing(), plot = this.#chart.querySelector('.plot').getBoundingClientRect()
		return d.x0 + Math.min(Math.max((event.clientX - plot.left) / plot.width, 0), 1) * d.wide
	}

	#press(event) {
		if (event.pointerType === 'touch' || event.button !== 0 || !this.#chart.drawing()) return
		this.#from = this.#x(event)
		this.#chart.setPointerCapture(event.pointerId)
	}

	#move(event) {
		if (!this.#chart.drawing()) return
		this.#box.removeAttribute('aria-live')
		this.#show(this.#x(event))
		if (this.#from !== null) this.#select(this.#from, this.#x(event))
	}

	#release(event) {
		if (this.#from === null) return
		const [from, to] = [this.#from, this.#x(event)].sort((a, b) => a - b)
		this.#hide()
		if (to - from < 2 * step) return // a click, or less than two instants
		this.#chart.dispatchEvent(new CustomEvent('zoom', { bubbles: true, detail: { from: this.#time(from), to: this.#time(to) } }))
	}

	#key(event) {
		const d = this.#chart.drawing()
		if (event.key === 'Escape') return this.#hide()
		const by = { ArrowLeft: -step, ArrowRight: step, Home: -Infinity, End: Infinity }[event.key]
		if (!d || !by) return
		event.preventDefault()
		this.#box.setAttribute('aria-live', 'polite')
		this.#show(Math.min(Math.max((this.#at ?? d.x0 + d.wide) + by, d.x0), d.x0 + d.wide))
	}

	#hide() {
		this.#at = this.#from = null
		for (const element of [this.#line, this.#box, this.#span]) element.hidden = true
	}

	// #show puts the crosshair on the instant nearest to x that has a value.
	#show(x) {
		const d = this.#chart.drawing(), { base, unit, min, max, format: as, decimals } = this.#chart.dataset
		const near = d.lines.map(points => nearest(points, x))
		const best = nearest(near.filter(Boolean).sort((a, b) => a[0] - b[0]), x)
		if (!best) return this.#hide()
		this.#at = best[0]
		const rows = [...this.#chart.querySelectorAll('.line')].flatMap((path, i) => {
			if (!near[i] || Math.abs(near[i][0] - best[0]) > step / 2) return []
			const value = max - near[i][1] * (max - min) / d.tall // in this order whole numbers stay whole
			return [row(path, format(value, as, Number(decimals)))]
		})
		const time = part('div', 'time')
		time.textContent = clock(Number(base) + best[0] * unit, this.#chart.dataset.zone, d.wide * unit)
		this.#box.replaceChildren(time, ...rows)
		this.#place(best[0])
	}

	#place(x) {
		const left = this.#left(x), { top, height } = this.#plot()
		this.#line.hidden = this.#box.hidden = false
		Object.assign(this.#line.style, { left: left + 'px', top: top + 'px', height: height + 'px' })
		const wide = this.#box.offsetWidth, room = 10
		const right = left + room + wide <= this.#chart.clientWidth
		Object.assign(this.#box.style, { left: Math.max(right ? left + room : left - room - wide, 0) + 'px', top: top + 'px' })
	}

	#select(a, b) {
		const [from, to] = [this.#left(a), this.#left(b)].sort((a, b) => a - b), { top, height } = this.#plot()
		this.#span.hidden = false
		Object.assign(this.#span.style, { left: from + 'px', width: to - from + 'px', top: top + 'px', height: height + 'px' })
	}

	#plot() {
		const host = this.#chart.getBoundingClientRect(), plot = this.#chart.querySelector('.plot').getBoundingClientRect()
		return { left: plot.left - host.left, top: plot.top - host.top, width: plot.width, height: plot.height }
	}

	#left(x) {
		const { left, width } = this.#plot(), d = this.#chart.drawing()
		return left + (x - d.x0) / d.wide * width
	}

	#time(x) { return Math.round(Number(this.#chart.dataset.base) + x * this.#chart.dataset.unit) }
}

function nearest(points, x) {
	let best = null
	for (const p of points) if (!best || Math.abs(p[0] - x) < Math.abs(best[0] - x)) best = p
	return best && Math.abs(best[0] - x) <= 4 * step ? best : null
}

function part(tag, name) {
	const element = document.createElement(tag)
	element.part = name
	return element
}

function row(path, value) {
	const dashed = path.classList.contains('again')
	const parts = [part('i', dashed ? 'swatch dashed' : 'swatch'), part('span', 'name'), part('b', 'value')]
	parts[0].style.color = getComputedStyle(path).stroke
	parts[1].textContent = shortened(path.dataset.name)
	parts[2].textContent = value
	const element = part('div', 'row')
	element.append(...parts)
	return element
}

// shortened leaves out the middle of a long name: names of one chart differ at their ends.
function shortened(name) {
	const letters = [...name], most = 28
	return letters.length <= most ? name : letters.slice(0, most / 2).join('') + '…' + letters.slice(1 - most / 2).join('')
}

// clock writes an instant in the server's zone, with its day where the chart shows several.
function clock(at, timeZone, span) {
	const options = { timeStyle: 'medium', ...(span > 86_400_000 && { dateStyle: 'medium' }) }
	try {
		return new Intl.DateTimeFormat('en-GB', { timeZone, ...options }).format(at)
	} catch {
		return new Intl.DateTimeFormat('en-GB', options).format(at) // an old browser that does not know the zone
	}
}
