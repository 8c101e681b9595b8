// <live-chart>: a chart that the server drew and that moves in small steps. The DOM is the truth: what is read from it
// is used only as long as it still says the same, so a morph to a whole new drawing always wins.
import { Crosshair } from './crosshair.js'

const gap = 4 // units of x between two instants; a line is not drawn over more
const nearNow = 80, nearEnd = 97 // percent of the time axis, right of which a label would meet "now" or the edge

class LiveChart extends HTMLElement {
	#drawing
	#frame = 0
	#crosshair = new Crosshair(this)

	// step takes the drawing to the next by what Chart.Step of the server's package panels wrote.
	step(text) {
		const d = this.drawing()
		if (!d || !text) return
		const [head, ...fields] = text.split(';')
		const [x1, back] = head.split(' ').map(Number)
		const added = fields.filter(f => f[0] !== '@')
		if (added.length !== d.lines.length) return // not of this drawing: a whole one is on its way
		d.x0 = x1 - d.wide
		d.lines = d.lines.map((points, i) => [
			...points.filter(([x]) => x > d.x0 - gap && x <= x1 - back),
			...added[i].split(',').filter(Boolean).map(field => point(field, x1)),
		])
		this.#mark(fields.filter(f => f[0] === '@'))
		this.#frame ||= requestAnimationFrame(() => this.#draw())
	}

	// drawing returns what is to be seen: the left end and the size of the view, and the points of each line.
	// It is null while there is no drawing.
	drawing() {
		const view = this.querySelector('.view')
		if (!view) return null
		const paths = [...view.querySelectorAll('.line')]
		const said = [view.getAttribute('viewBox'), ...paths.map(path => path.getAttribute('d'))]
		const known = this.#drawing?.said
		if (known?.length === said.length && known.every((s, i) => s === said[i])) return this.#drawing
		const [x0, , wide, tall] = said[0].split(' ').map(Number)
		return this.#drawing = { x0, wide, tall, said, lines: said.slice(1).map(parse) }
	}

	#draw() {
		this.#frame = 0
		const d = this.drawing()
		if (!d) return
		const view = this.querySelector('.view'), areas = view.querySelectorAll('.area')
		d.said = [`${d.x0} 0 ${d.wide} ${d.tall}`, ...d.lines.map(points => write(points))]
		view.setAttribute('viewBox', d.said[0])
		view.querySelectorAll('.line').forEach((path, i) => {
			path.setAttribute('d', d.said[i + 1])
			areas[i]?.setAttribute('d', write(d.lines[i], this.dataset.floor))
		})
		this.#slide(d)
		this.#crosshair.follow()
	}

	// #mark appends the labels that come in on the time axis, each once.
	#mark(fields) {
		const axis = this.querySelector('.axis-x')
		for (const field of fields) {
			const [x, ...words] = field.slice(1).split(' ')
			if (!axis || axis.querySelector(`[data-x="${Number(x)}"]`)) continue
			const text = document.createElementNS('http://www.w3.org/2000/svg', 'text')
			text.dataset.x = x
			text.textContent = words.join(' ')
			axis.insertBefore(text, axis.querySelector('.now'))
		}
	}

	#slide(d) {
		const end = this.querySelector('.now')?.textContent ? nearNow : nearEnd
		for (const text of this.querySelectorAll('.axis-x [data-x]')) {
			const share = (text.dataset.x - d.x0) / d.wide * 100
			if (share < 0) { text.remove(); continue }
			text.setAttribute('x', share.toFixed(2) + '%')
			text.setAttribute('visibility', share > end ? 'hidden' : 'visible')
		}
	}
}

// parse reads the points of a path as the server and write write it.
function parse(d) {
	const points = []
	for (const [, command, numbers] of (d ?? '').matchAll(/([Ml])([^Ml]*)/g)) {
		const n = numbers.match(/-?\d+/g).map(Number)
		for (let i = 0; i < n.length; i += 2) {
			const [x, y] = command === 'M' ? [0, 0] : points.at(-1)
			if (command === 'M' || n[i]) points.push([x + n[i], y + n[i + 1]])
		}
	}
	return points
}

// write makes the path of a line, or of the area above y = floor where one is given.
function write(points, floor) {
	let d = ''
	points.forEach(([x, y], i) => {
		const last = points[i - 1], joined = last && x - last[0] <= gap
		const next = points[i + 1], ends = !next || next[0] - x > gap
		if (joined) d += `l${x - last[0]} ${y - last[1]}`
		else d += floor === undefined ? `M${x} ${y}` : `M${x} ${floor}V${y}`
		if (ends && !joined) d += 'l0 0'
		if (ends && floor !== undefined) d += `V${floor}Z`
	})
	return d
}

function point(field, x1) {
	const [y, back = 0] = field.split(':').map(Number).reverse()
	return [x1 - back, y]
}

customElements.define('live-chart', LiveChart)
