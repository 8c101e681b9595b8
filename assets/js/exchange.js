// Brings together the tabs of a browser, each at a port, and the carrier that they share. It runs in the SharedWorker, or
// in a page for itself. Tabs that show the same view share it.
import { Carrier } from './carrier.js'

const MOST_VIEWS = 16 // that the server takes on a stream
const SWEEP = 5000
const LINGER = 1000 // a view stays for who comes back at once, as a page that loads again

const tabs = new Map() // port → { name: of its view, unheard: sweeps since it was heard, sweeps: at most }
let carrier

export function serve(port) {
	port.onmessage = ({ data }) => data.leaves ? leave(port) : here(port, data)
}

// tell has tabs hear what concerns their views.
function tell(names, message) {
	for (const [port, { name }] of tabs) {
		if (!names || names.includes(name)) port.postMessage(message)
	}
	if (message.type === 'gone') for (const [port, { name }] of tabs) if (names.includes(name)) tabs.delete(port)
}

// here takes a tab up, and a known one as being alive.
function here(port, { view, cursor, client, slow, polling, sweeps, wakes, renews }) {
	const known = tabs.get(port)
	let standing = null
	if (known) {
		known.unheard = 0
	} else {
		carrier ??= new Carrier(tell, polling)
		if (!carrier.carries(view.name) && carrier.size >= MOST_VIEWS) {
			port.postMessage({ type: 'full' })
			return
		}
		tabs.set(port, { name: view.name, unheard: 0, sweeps })
		carrier.client = client
		carrier.slow ||= slow
		standing = carrier.carry(view, cursor)
	}
	port.postMessage({ type: 'here', standing })
	if (wakes) carrier.wake()
	if (renews) carrier.reopen()
}

function leave(port) {
	const tab = tabs.get(port)
	if (!tab) return
	tabs.delete(port)
	setTimeout(() => {
		if (![...tabs.values()].some(({ name }) => name === tab.name)) carrier.drop(tab.name)
	}, LINGER)
}

// sweep lets go of tabs that died without a word. They come back when they are heard again.
function sweep() {
	for (const [port, tab] of tabs) if (++tab.unheard > tab.sweeps) leave(port)
}

setInterval(sweep, SWEEP)
