// The rule of the server's metrics.Unit, so that a value under the crosshair reads as it does in the legend: divide by
// the base while the rounded number reaches it, show so many significant digits, never drop zeros at the end.
const plain = ['']
const letters = ['', 'k', 'M', 'G', 'T', 'P', 'E']
const iec = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']
const si = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']
const times = ['ns', 'µs', 'ms', 's']

const scale = (factor, base, prefixes, suffix, digits, decimals, more) => ({ factor, base, prefixes, suffix, digits, decimals, ...more })
const glued = { glued: true }, whole = { whole: true }
const scales = {
	short: scale(1, 1000, letters, '', 3, 6, glued),
	count: scale(1, 1000, letters, '', 3, 6, glued),
	percent: scale(1, 1000, plain, '%', 2, 2),
	ratio: scale(100, 1000, plain, '%', 2, 2),
	bytes: scale(1, 1024, iec, '', 3, 2, whole),
	'bytes-si': scale(1, 1000, si, '', 3, 2, whole),
	'bytes/s': scale(1, 1024, iec, '/s', 3, 2, whole),
	'bytes-si/s': scale(1, 1000, si, '/s', 3, 2, whole),
	'bits/s': scale(1, 1000, letters, 'bit/s', 3, 2, whole),
	'/s': scale(1, 1000, letters, '/s', 3, 3, glued),
	seconds: scale(1e9, 1000, times, '', 3, 2, whole),
	ms: scale(1e6, 1000, times, '', 3, 2, whole),
	us: scale(1e3, 1000, times, '', 3, 2, whole),
	celsius: scale(1, 1000, plain, '°C', 15, 1),
	hertz: scale(1, 1000, letters, 'Hz', 3, 2),
	watts: scale(1, 1000, letters, 'W', 3, 2),
}

// format writes v in the unit; decimals -1 leaves the number of digits to the rule.
export function format(v, unit, decimals = -1) {
	if (!Number.isFinite(v)) return '–'
	if (unit === 'date') return new Date(v * 1000).toLocaleString('sv')
	if (!unit && decimals < 0 && Number.isInteger(v) && Math.abs(v) < 10_000) return signed(v, String(Math.abs(v)))
	if (unit === 'count' && Math.abs(v) < 10_000_000) return signed(v, grouped(Math.abs(v).toFixed(Math.max(decimals, 0))))
	const s = scales[unit] ?? scales.short
	const size = Math.abs(v) * s.factor
	if (s.prefixes === times && round(size, s.digits) >= 60e9) return signed(v, duration(size / 1e9))
	return scaled(v, s, size, decimals)
}

function scaled(v, s, x, decimals) {
	let i = x === 0 && s.prefixes === times ? times.length - 1 : 0 // no time is 0 s, not 0 ns
	while (i < s.prefixes.length - 1 && rounded(s, x, i) >= s.base) { x /= s.base; i++ }
	if ((i && x >= 1e6) || (decimals < 0 && s.decimals === 6 && x && x < 1e-5)) return prefixed(s, signed(v, exponent(Math.abs(v) * s.factor)), 0)
	const text = fixed(x, decimals < 0 ? automatic(s, x, i) : decimals)
	return prefixed(s, signed(v, s.prefixes === plain ? grouped(text) : text), i)
}

function prefixed(s, number, i) {
	if (s.glued) return number + s.prefixes[i] + s.suffix
	const suffix = s.prefixes[i] + s.suffix
	return suffix === '' || suffix === '%' ? number + suffix : number + ' ' + suffix
}

// fixed writes x with so many decimals. Exactly between two it takes the even one, as the server does.
function fixed(x, decimals) {
	if (x >= 1e15) return exponent(x)
	const shifted = x * 10 ** decimals
	const between = shifted % 1 === .5 && Number.isInteger(x * 2 ** (decimals + 1)) // the second: without a binary rest
	return (between ? 2 * Math.round(shifted / 2) / 10 ** decimals : x).toFixed(decimals)
}

const exponent = x => x.toExponential(2)
const round = (x, digits) => Number(x.toPrecision(digits))
const rounded = (s, x, i) => Number(x.toFixed(automatic(s, x, i)))
const grouped = text => text.includes('e') ? text : text.replace(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',')
const signed = (v, text) => v < 0 && /[1-9]/.test(text) ? '−' + text : text

function automatic(s, x, i) {
	if (x === 0 || (s.whole && i === 0)) return 0
	return Math.min(Math.max(s.digits - 1 - Math.floor(Math.log10(round(x, s.digits))), 0), s.decimals)
}

const spans = [['d', 86400], ['h', 3600], ['min', 60, true], ['s', 1, true]]

// duration writes a minute or more as its two largest units.
function duration(seconds) {
	const i = spans.findIndex(([, size], i) => seconds >= size - .5 * (spans[i + 1]?.[1] ?? 0))
	const [name, size] = spans[i], [smaller, part, clock] = spans[i + 1]
	const parts = Math.round(seconds / part), each = size / part, rest = parts % each
	const text = fixed(Math.floor(parts / each), 0) + ' ' + name
	return rest ? `${text} ${clock && rest < 10 ? '0' : ''}${rest} ${smaller}` : text
}
