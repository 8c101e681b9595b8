// What a page keeps in the browser's storage, as far as it may: in a frame or a private window it may be forbidden.

const inStorage = (use, otherwise) => {
	try {
		return use() ?? otherwise
	} catch {
		return otherwise
	}
}

// recall returns why this tab polls instead of streaming, or ''.
export function recall() {
	return inStorage(() => sessionStorage.getItem('polls'), '')
}

export function remember(why) {
	inStorage(() => why ? sessionStorage.setItem('polls', why) : sessionStorage.removeItem('polls'))
}

const unnamed = [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('')

// client returns the browser's own name: random, the same on all its pages and days.
export function client() {
	return inStorage(() => {
		const known = localStorage.getItem('client')
		if (!known) localStorage.setItem('client', unnamed)
		return known ?? unnamed
	}, unnamed)
}
