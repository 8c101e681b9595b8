package views

import "liveboard/metrics"

// Rows returns how many rows of the grid the panels take, placed as CSS places them: left to
// right, then down, never back to an earlier gap. A kiosk fits its type to the rows.
func Rows(panels ...metrics.Panel) int {
	var taken rows
	row, column := 0, 0
	for _, p := range panels {
		width := min(p.Width, metrics.Columns)
		for !taken.free(row, column, width, p.Height) {
			if column++; column+width > metrics.Columns {
				row, column = row+1, 0
			}
		}
		taken.take(row, column, width, p.Height)
	}
	return len(taken)
}

// rows tells which cells of a grid are taken.
type rows [][metrics.Columns]bool

func (r rows) free(row, column, width, height int) bool {
	if column+width > metrics.Columns {
		return false
	}
	for _, cells := range r[min(row, len(r)):min(row+height, len(r))] {
		for _, taken := range cells[column : column+width] {
			if taken {
				return false
			}
		}
	}
	return true
}

func (r *rows) take(row, column, width, height int) {
	for len(*r) < row+height {
		*r = append(*r, [metrics.Columns]bool{})
	}
	for y := row; y < row+height; y++ {
		for x := column; x < column+width; x++ {
			(*r)[y][x] = true
		}
	}
}
