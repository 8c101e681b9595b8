// <live-next> takes one panel from the print it shows to the next one, and vanishes. Its form is that of views/press.
import { refresh } from './age.js'

class LiveNext extends HTMLElement {
	connectedCallback() {
		const article = document.getElementById(this.getAttribute('for'))
		if (article) this.apply(article)
		this.remove()
	}

	apply(article) {
		copyAttributes(this, article, ['for', 'step'])
		for (const leaf of this.children) {
			const target = article.querySelector(`[data-v="${leaf.dataset.v}"]`)
			if (!target) continue
			copyAttributes(leaf, target, [])
			if (target.textContent !== leaf.textContent) target.textContent = leaf.textContent
		}
		if (this.hasAttribute('step')) article.querySelector('live-chart')?.step(this.getAttribute('step'))
		refresh(article)
	}
}

function copyAttributes(from, to, except) {
	for (const { name, value } of from.attributes) {
		if (!except.includes(name) && to.getAttribute(name) !== value) to.setAttribute(name, value)
	}
}

customElements.define('live-next', LiveNext)
