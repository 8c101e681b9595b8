// Everything a page runs.
import './live.js'
import './next.js'
import './live-chart.js'
import './clock.js'
import './page.js'
