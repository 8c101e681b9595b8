// The twin of main.js for browsers without modules, televisions above all: ES5, one file. It asks as live.js does, but
// takes news only as a sign to ask for the whole page, so that it needs to understand no other kind of patch.
(function () {
	'use strict'
	// ms after which a stream counts as held back
	var FIRST_BYTE = 5000
	// A poll answers within 25 s, one that asks for the whole at once.
	var POLL_LIMIT = 40000
	var FIRST_ANSWER = 10000
	// between two wholes, at least
	var WHOLE = 2000
	var feed = document.querySelector('[data-live-url]')
	var cursor = get(feed, 'data-cursor')
	// the newest two of the server's clock over ours: a late one is too small, never too large
	var readings = [(get(feed, 'data-now') || Date.now()) - clock()]
	var beat = 10000
	// when the last byte came
	var last = clock()
	// since when we are
	var away = 0
	// ms until the server wants to see us again, when it said goodbye
	var comeBack = -1
	// While polling, a stream is tried again, at last every minute.
	var probeEvery = 5000
	var probeAt = 0
	// for the whole; Infinity while it is on its way
	var askedAt = 0
	// loads no pictures
	var inert = document.implementation.createHTMLDocument('').body
	// polling says why, and behind that there is news
	var state, said, polling, refused, behind, leaving

	// clock does not jump when somebody sets the time.
	function clock() {
		return window.performance && performance.now ? performance.now() : Date.now()
	}

	function now() {
		return clock() + Math.max.apply(null, readings)
	}

	function get(element, name) {
		return element && element.getAttribute(name)
	}

	function set(element, name, value) {
		if (get(element, name) !== value) element.setAttribute(name, value)
	}

	function write(node, text) {
		if (node && node.textContent !== text) node.textContent = text
	}

	function all(list, f) {
		[].forEach.call(list, f)
	}

	function each(selector, f) {
		all(document.querySelectorAll(selector), f)
	}

	function show(is, text) {
		state = is
		said = text
		each('[data-live]', function (mark) {
			set(mark, 'data-live', is)
			write(mark.querySelector('[data-live-text]') || mark, text)
		})
	}

	function receive(type, data, isWhole) {
		if (type === 'datastar-patch-elements') {
			if (isWhole) patch(data.split('\n').map(function (line) { return line.slice(9) }).join('\n'))
			else behind = true
			return catchUp()
		}
		data = JSON.parse(data)
		readings = [data.now - clock(), readings[0]]
		write(data.viewers && document.querySelector('[data-viewers]'), data.viewers)
		if (type === 'hello') beat = data.beat * 1000
		if (data.build && data.build !== get(feed, 'data-build')) leave()
		if (type === 'bye') comeBack = data.retry
		if (data.why === 'gone') location.reload()
	}

	function patch(html) {
		inert.innerHTML = html
		all(inert.children, function (part) {
			var target = document.getElementById(part.id)
			if (target) become(target, part)
		})
		// for there may be a new mark
		show(state, said)
		tell()
	}

	// become makes a node look as another, and keeps as much of it as it can.
	function become(node, other) {
		if (node.nodeType !== 1) return write(node, other.textContent)
		if (node.hasAttribute('data-ignore-morph')) return
		var are = node.childNodes, should = other.childNodes, alike = are.length === should.length
		all([].slice.call(node.attributes), function (a) {
			other.hasAttribute(a.name) || a.name === 'open' || node.removeAttribute(a.name)
		})
		all(other.attributes, function (a) { set(node, a.name, a.value) })
		all(are, function (child, i) { alike = alike && child.nodeName === should[i].nodeName })
		if (!alike) node.textContent = ''
		all(should, function (child, i) {
			if (alike) become(are[i], child)
			else node.appendChild(document.importNode(child, true))
		})
	}

	function read(answer, isWhole) {
		answer.split('\n\n').forEach(function (event) {
			var fields = {}
			event.split('\n').forEach(function (line) {
				var at = line.indexOf(': '), name = line.slice(0, at)
				fields[name] = (fields[name] ? fields[name] + '\n' : '') + line.slice(at + 2)
			})
			if (fields.event) receive(fields.event, fields.data, isWhole)
			cursor = fields.id || cursor
		})
	}

	// A cursor is of letters, digits, points and hyphens.
	function address(name, since) {
		return get(feed, name) + '&cursor=' + since
	}

	function request(url, type, limit, done, failed) {
		var r = new XMLHttpRequest()
		r.open('GET', url)
		r.timeout = limit
		r.onload = function () {
			var is = '' + r.getResponseHeader('Content-Type')
			if (r.status === 200 && !is.indexOf(type)) return done(r.responseText)
			// Our own server says that this page is not to be had: its page says why.
			if (/401|404|410/.test(r.status) && /problem/.test(is)) location.reload()
			failed()
		}
		r.onerror = r.ontimeout = failed
		r.send()
	}

	// ask makes one poll; without a cursor it asks for the whole.
	function ask(since, done, failed) {
		request(address('data-poll-url', since), 'text/event-stream', since ? POLL_LIMIT : FIRST_ANSWER, function (answer) {
			last = clock()
			done()
			read(answer, !since)
		}, failed)
	}

	function catchUp() {
		if (!behind || clock() - askedAt < WHOLE) return
		behind = false
		askedAt = Infinity
		ask('', function () { askedAt = clock() }, function () {
			behind = true
			askedAt = clock()
		})
	}

	function stream() {
		var source = new EventSource(address('data-live-url', cursor)), began
		var dog = setTimeout(function () { end(poll, 'the stream is held back') }, FIRST_BYTE)

		function end(then, why) {
			clearTimeout(dog)
			source.close()
			if (clock() - began > 5000) away = 0
			then(why)
		}

		['hello', 'beat', 'bye', 'datastar-patch-elements'].forEach(function (type) {
			source.addEventListener(type, function (event) {
				last = clock()
				clearTimeout(dog)
				dog = setTimeout(function () { end(retry) }, 2.5 * beat)
				cursor = event.lastEventId || cursor
				began = began || last
				polling = refused = 0
				probeEvery = 5000
				show('stream', 'live')
				receive(type, event.data)
			})
		})
		// It does not say why. Where a poll finds that the server is there, one more try follows at once.
		source.onerror = function () {
			if (began) return end(retry)
			if (!refused) probeAt = 0
			refused = 1
			end(poll, 'no stream comes through')
		}
	}

	function poll(why) {
		ask(state === 'poll' ? cursor : '', function () {
			away = 0
			polling = why
			show('poll', 'polling (' + why + ')')
			setTimeout(turn)
		}, function () {
			probeAt = 0
			retry()
		})
	}

	// turn asks once, the way that suits.
	function turn() {
		if (!window.EventSource) return poll('no streams here')
		if (polling && clock() < probeAt) return poll(polling)
		probeAt = clock() + probeEvery
		probeEvery = Math.min(2 * probeEvery, 60000)
		stream()
	}

	// The pause is a random part of half the time away, within bounds.
	function retry() {
		if (state !== 'lost') show('reconnecting', 'reconnecting')
		away = away || clock()
		setTimeout(turn, comeBack < 0 ? Math.random() * Math.min(30000, Math.max(1000, (clock() - away) / 2)) : comeBack)
		comeBack = -1
	}

	// leave loads the page again, once the server has it to give.
	function leave() {
		if (leaving) return
		leaving = true
		function later() {
			setTimeout(request, 5000 + 10000 * Math.random(), location.href, 'text/html', FIRST_ANSWER, function () { location.reload() }, later)
		}
		later()
	}

	function spell(seconds, minutes, hours) {
		return seconds < minutes ? Math.floor(seconds) + ' s' : seconds < hours ? Math.floor(seconds / 60) + ' min' :
			seconds < 172800 ? Math.floor(seconds / 3600) + ' h' : Math.floor(seconds / 86400) + ' d'
	}

	function two(n) {
		return (n < 10 ? '0' : '') + Math.floor(n)
	}

	// tell says what follows from the server's clock, as age.js, since.js and clock.js do.
	function tell() {
		each('article[data-at]', function (article) {
			var at = get(article, 'data-at'), after = get(article, 'data-stale-after'), is = get(article, 'data-state')
			var label = article.querySelector('.age'), age = now() - at, stale = after && age >= after
			// of a fixed window: it has no age
			if (!at || !label || !label.textContent && is === 'fresh') return
			if (stale || is === 'stale') set(article, 'data-state', stale ? 'stale' : 'fresh')
			write(label, (stale ? 'stale ' : '') + (age < 1000 ? 'now' : spell(age / 1000, 120, 7200)))
		})
		each('[data-since]', function (element) {
			var ago = (now() - (get(element, 'data-since') || NaN)) / 1000
			if (ago < 5184000) write(element, ago < 60 ? 'just now' : spell(ago, 60, 3600) + ' ago')
		})
		each('[data-until]', function (element) {
			var left = Math.max(0, get(element, 'data-until') - now()) / 1000
			var text = two(left / 3600 % 24) + ':' + two(left / 60 % 60)
			write(element, left < 86400 ? text + ':' + two(left % 60) : Math.floor(left / 86400) + ' d ' + text)
		})
		each('live-clock', function (element) {
			function say(leaf, options) {
				var text = ''
				try {
					options.timeZone = get(element, 'data-zone')
					text = new Intl.DateTimeFormat('en-GB', options).format(now()).replace(',', '')
				} catch (e) {
					// The browser does not know the zone: better no time than one that stands still.
				}
				write(element.querySelector(leaf), text)
			}
			say('time', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
			say('.date', { weekday: 'long', day: 'numeric', month: 'long' })
		})
	}

	setInterval(function () {
		tell()
		if (!feed) return
		catchUp()
		// The mark must not lie when nothing comes any more, whatever the connection believes.
		var silence = clock() - last
		if (silence > (polling ? POLL_LIMIT : 1.2 * beat)) show('lost', 'lost since ' + new Date(now() - silence).toTimeString().slice(0, 5))
	}, 1000)

	tell()
	if (feed) turn()
	if (document.querySelector('[data-surface=problem]')) leave()
})()
