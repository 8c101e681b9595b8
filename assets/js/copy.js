// Copies the text beside a button into the clipboard; where that is refused it selects the text. Without script one
// click selects it.
document.documentElement.dataset.copies = ''

document.addEventListener('click', async event => {
	const button = event.target.closest('[data-copy]')
	if (!button) return
	const source = button.parentElement.querySelector('pre')
	const copied = await copy(source)
	button.textContent = copied ? 'Copied' : 'Selected'
	setTimeout(() => { button.textContent = 'Copy' }, 2000)
})

async function copy(source) {
	try {
		await navigator.clipboard.writeText(source.textContent)
		return true
	} catch { // no permission, or a page that came over plain HTTP
		getSelection().selectAllChildren(source)
		return false
	}
}
