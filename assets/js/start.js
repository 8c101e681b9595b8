// Chooses what the page runs: the modules where the browser knows all that they and Datastar need, else their twin in
// ES5. It is ES5 itself, and a file of its own because pages have no inline script.
(function () {
	var own = document.querySelector('script[data-main]')
	var script = document.createElement('script')
	var modern = 'noModule' in script && Object.hasOwn && window.MathMLElement && window.TextDecoderStream
	if (modern) script.type = 'module'
	script.src = own.getAttribute(modern ? 'data-main' : 'data-plain')
	document.head.appendChild(script)
})()
