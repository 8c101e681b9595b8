package doctor

import (
	"fmt"
	"math"
	"time"
)

// span writes milliseconds as people do.
func span(ms float64) string {
	switch {
	case ms < 1000:
		return fmt.Sprintf("%d ms", int(math.Round(math.Max(ms, 0))))
	case ms < 100_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Second).String()
}
