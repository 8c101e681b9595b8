// events returns a function that takes an event stream's text in pieces, and calls dispatch(type, lines, id) for each
// whole event: type is '' for one without a name, id undefined for one without. A line may end with LF, CRLF or CR.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
export function events(dispatch) {
	let rest = ''
	let type = ''
	let lines = []
	let id
	const line = text => {
		if (text === '') {
			if (type || lines.length || id !== undefined) dispatch(type, lines, id)
			type = ''
			lines = []
			id = undefined
			return
		}
		const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(text)
		if (field === 'event') type = value
		if (field === 'data') lines.push(value)
		if (field === 'id') id = value
	}
	return piece => {
		const all = (rest + piece).split(/\r\n|\n|\r(?!$)/) // a CR at the end may be half of a CRLF
		rest = all.pop()
		all.forEach(line)
	}
}
