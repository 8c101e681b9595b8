package panels

import (
	"slices"
	"strconv"
)

// runs splits points where an instant of the grid is missing: a line is not drawn over a gap.
func runs(points []point) [][]point {
	var runs [][]point
	from := 0
	for i := 1; i <= len(points); i++ {
		if i == len(points) || points[i].x-points[i-1].x > gridUnits {
			runs = append(runs, points[from:i])
			from = i
		}
	}
	return slices.DeleteFunc(runs, func(r []point) bool { return len(r) == 0 })
}

// linePath is the d attribute of a line: a subpath a run, with relative coordinates, which compress
// well. A run of one point is a line without length, that the round cap makes a dot.
func linePath(points []point) string {
	var d []byte
	for _, run := range runs(points) {
		d = append(d, 'M')
		d = appendPair(d, run[0])
		d = appendRun(d, run)
	}
	return string(d)
}

// areaPath is the d attribute of the area between a line and y = floor.
func areaPath(points []point, floor int) string {
	var d []byte
	for _, run := range runs(points) {
		d = append(d, 'M')
		d = appendPair(d, point{run[0].x, floor})
		d = append(d, 'V')
		d = strconv.AppendInt(d, int64(run[0].y), 10)
		d = appendRun(d, run)
		d = append(d, 'V')
		d = strconv.AppendInt(d, int64(floor), 10)
		d = append(d, 'Z')
	}
	return string(d)
}

func appendRun(d []byte, run []point) []byte {
	d = append(d, 'l')
	if len(run) == 1 {
		return append(d, "0 0"...)
	}
	for i := 1; i < len(run); i++ {
		if i > 1 {
			d = append(d, ' ')
		}
		d = appendPair(d, point{run[i].x - run[i-1].x, run[i].y - run[i-1].y})
	}
	return d
}

func appendPair(d []byte, p point) []byte {
	d = strconv.AppendInt(d, int64(p.x), 10)
	if p.y >= 0 {
		d = append(d, ' ') // a minus sign separates by itself
	}
	return strconv.AppendInt(d, int64(p.y), 10)
}
