// What a page does beside its panels: the theme, the zoom, to take a newer server's page, and on screens that nobody
// touches to stay awake and to show how long a turn lasts. live.js sends 'build', the charts send 'zoom'.
import { now } from './age.js'

const root = document.documentElement
const { surface } = root.dataset

document.addEventListener('click', event => {
	const link = event.target.closest('[data-theme-choice]')
	if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return
	event.preventDefault()
	choose(link.dataset.themeChoice)
})

function choose(theme) {
	const secure = location.protocol === 'https:' ? '; Secure' : ''
	document.cookie = `theme=${theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
	const url = new URL(location)
	if (url.searchParams.has('theme')) { // it would win over the cookie, here and in every link of the page
		url.searchParams.delete('theme')
		location.replace(url)
		return
	}
	root.dataset.theme = theme
	for (const link of document.querySelectorAll('[data-theme-choice]')) {
		if (link.dataset.themeChoice === theme) link.setAttribute('aria-current', 'true')
		else link.removeAttribute('aria-current')
	}
}

// A zoom is a page of its own, so that Back undoes it and its address can be shared.
document.addEventListener('zoom', ({ detail: { from, to } }) => {
	const url = new URL(location)
	url.searchParams.set('from', Math.round(from))
	url.searchParams.set('to', Math.round(to))
	location.assign(url)
})

document.addEventListener('build', reloadOnceServed, { once: true }) // a newer server's panels want its styles and scripts
if (surface === 'problem') reloadOnceServed()

// reloadOnceServed leaves this page only when the server has one to give: a screen without a keyboard must never end
// on the browser's own error page. The spread keeps a hall of screens from asking all at once.
async function reloadOnceServed() {
	do {
		await new Promise(wake => setTimeout(wake, 5000 + 10000 * Math.random()))
	} while (!await served())
	location.reload()
}

async function served() {
	try {
		const answer = await fetch(location, { cache: 'no-store', redirect: 'error' })
		return answer.status === 200 && Boolean(answer.headers.get('Content-Type')?.startsWith('text/html'))
	} catch {
		return false
	}
}

if (surface === 'kiosk') {
	stayAwake()
	document.addEventListener('visibilitychange', stayAwake) // a hidden page loses its lock
	const turn = document.getElementById('turn')
	showTurn(turn)
	new MutationObserver(() => showTurn(turn)).observe(turn, { attributeFilter: ['data-turn-at'] })
}

async function stayAwake() {
	try {
		if (!document.hidden) await navigator.wakeLock?.request('screen')
	} catch {
		// Refused: the screen sleeps as its owner has set it.
	}
}

// showTurn runs the progress line from where the turn stands by the server's clock.
function showTurn({ dataset: { turn, turnAt }, firstElementChild: line }) {
	for (const running of line.getAnimations()) running.cancel()
	if (!turn) return
	const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
	line.animate(
		{ transform: ['scaleX(0)', 'scaleX(1)'] },
		{ duration: turn * 1000, delay: turnAt - now(), fill: 'both', easing: calm ? `steps(${turn})` : 'linear' },
	)
}
