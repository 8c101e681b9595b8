// What a page says by the server's clock: how long ago something was, and how long until something is. It needs no
// server to go on.
import { now } from './age.js'

const minute = 60_000, hour = 60 * minute, day = 24 * hour

// agoText follows agoText in views/panels. Of what is months ago the server writes the date: it returns null.
export function agoText(age) {
	if (age < minute) return 'just now'
	if (age < hour) return `${Math.floor(age / minute)} min ago`
	if (age < 2 * day) return `${Math.floor(age / hour)} h ago`
	return age < 60 * day ? `${Math.floor(age / day)} d ago` : null
}

// countdown follows countdown in views/panels.
export function countdown(left) {
	const two = n => String(Math.floor(n)).padStart(2, '0')
	left = Math.max(left, 0)
	const days = Math.floor(left / day), hours = two(left % day / hour), minutes = two(left % hour / minute)
	return days ? `${days} d ${hours}:${minutes}` : `${hours}:${minutes}:${two(left % minute / 1000)}`
}

function tell() {
	if (document.hidden) return
	const at = now()
	for (const element of document.querySelectorAll('[data-since]')) write(element, agoText(at - element.dataset.since))
	for (const element of document.querySelectorAll('[data-until]')) write(element, countdown(element.dataset.until - at))
	for (const element of document.querySelectorAll('[data-origin]')) write(element, location.origin)
}

function write(element, text) {
	if (text !== null && element.dataset.since !== '' && element.textContent !== text) element.textContent = text
}

tell()
setInterval(tell, 1000)
document.addEventListener('visibilitychange', tell)
document.addEventListener('patched', tell)
