// Everything a page runs.
import './live.js'
import './next.js'
import './rows.js'
import './live-chart.js'
import './clock.js'
import './since.js'
import './board.js'
import './page.js'
