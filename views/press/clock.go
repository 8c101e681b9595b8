package press

import "time"

// slewed is by how much the clock may drift from what has passed: a chart's instants are whole seconds.
const slewed = time.Second

// wasSet reports whether somebody has set the machine's clock between two readings of it, or the machine slept. What
// was printed before is then of another time: numbers from a future that is gone would look current until it comes again.
func wasSet(from, to time.Time) bool {
	shown := to.Round(0).Sub(from.Round(0)) // without what is measured apart from the clock
	return (shown - to.Sub(from)).Abs() > slewed
}
