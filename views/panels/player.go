package panels

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"
)

// hues is how many colours of faces the tokens have.
const hues = 8

// face stands for a player where there is no picture.
type face struct{ Hue, Initials string }

func newFace(key uint32, name string) face {
	return face{Hue: strconv.Itoa(int(key % hues)), Initials: initials(name)}
}

// initials returns the first letters of the first two words. A word that begins with a sign counts
// only where there is nothing else.
func initials(name string) string {
	var letters []string
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '_' || r == '-' || r == '.' })
	for _, word := range words {
		first, _, _, _ := uniseg.FirstGraphemeClusterInString(word, -1)
		if r := []rune(first)[0]; len(letters) == 0 || len(letters) == 1 && unicode.IsLetter(r) {
			letters = append(letters, first)
		}
	}
	return strings.ToUpper(strings.Join(letters, ""))
}

// moment is a time in the past, that clients keep telling how long ago it was.
type moment struct {
	ISO   string // with the server's zone
	Since string // Unix milliseconds
	Ago   string // "4 min ago"
}

// newMoment returns the zero moment for at zero, which stands for never.
func newMoment(at int64, now time.Time) moment {
	if at == 0 {
		return moment{}
	}
	t := time.UnixMilli(at).In(now.Location())
	return moment{ISO: t.Format(time.RFC3339), Since: strconv.FormatInt(at, 10), Ago: agoText(t, now)}
}

// agoText writes how long ago t was, and what is months ago as a date. assets/js/since.js goes on with it.
func agoText(t, now time.Time) string {
	const day = 24 * time.Hour
	switch age := now.Sub(t); {
	case age < time.Minute:
		return "just now"
	case age < time.Hour:
		return strconv.Itoa(int(age/time.Minute)) + " min ago"
	case age < 2*day:
		return strconv.Itoa(int(age/time.Hour)) + " h ago"
	case age < 60*day:
		return strconv.Itoa(int(age/day)) + " d ago"
	}
	return t.Format("2 Jan 2006")
}

// countdown writes the time left: 2 d 04:11, and within the last day 04:11:09.
func countdown(left time.Duration) string {
	left = max(left, 0)
	clock := func(n time.Duration) string {
		text := strconv.Itoa(int(n))
		if n < 10 {
			text = "0" + text
		}
		return text
	}
	hours, minutes, seconds := left/time.Hour, left/time.Minute%60, left/time.Second%60
	if hours >= 24 {
		return strconv.Itoa(int(hours/24)) + " d " + clock(hours%24) + ":" + clock(minutes)
	}
	return clock(hours) + ":" + clock(minutes) + ":" + clock(seconds)
}

// spark draws a few values as a line and the area under it; the zero spark draws nothing.
type spark struct{ ViewBox, Line, Area string }

// sparkHeight is the spark's height in units of y; a step from value to value is gridUnits wide.
const sparkHeight = 24

// newSpark needs two values to draw a line. Equal ones lie in the middle.
func newSpark(values []float64) spark {
	if len(values) < 2 {
		return spark{}
	}
	low, high := values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	points := make([]point, len(values))
	for i, v := range values {
		points[i] = point{i * gridUnits, sparkHeight / 2}
		if share := (v - low) / (high - low); high > low && finite(share) {
			points[i].y = 1 + int((1-share)*(sparkHeight-2)+.5)
		}
	}
	return spark{
		ViewBox: "0 0 " + strconv.Itoa((len(values)-1)*gridUnits) + " " + strconv.Itoa(sparkHeight),
		Line:    linePath(points), Area: areaPath(points, sparkHeight),
	}
}

// playerURL is where a player's page is.
func playerURL(base, player string) string { return base + "/p/" + url.PathEscape(player) }

// playerQuery asks a leaderboard's page for the rows around a player, windowQuery for a window.
func playerQuery(player string) string { return url.Values{"player": {player}}.Encode() }
func windowQuery(key string) string    { return url.Values{"window": {key}}.Encode() }
