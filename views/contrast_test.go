package views

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// color is one in OKLCH: lightness 0 to 1, chroma, hue in degrees.
type color struct{ l, c, h float64 }

// luminance is WCAG's relative luminance. The matrices are those of the OKLab definition
// (bottosson.github.io/posts/oklab) and of sRGB; a colour outside sRGB is cut to it.
func (k color) luminance() float64 {
	sin, cos := math.Sincos(k.h * math.Pi / 180)
	a, b := k.c*cos, k.c*sin
	l := math.Pow(k.l+.3963377774*a+.2158037573*b, 3)
	m := math.Pow(k.l-.1055613458*a-.0638541728*b, 3)
	s := math.Pow(k.l-.0894841775*a-1.2914855480*b, 3)
	red := 4.0767416621*l - 3.3077115913*m + .2309699292*s
	green := -1.2684380046*l + 2.6097574011*m - .3413193965*s
	blue := -.0041960863*l - .7034186147*m + 1.7076147010*s
	cut := func(v float64) float64 { return min(max(v, 0), 1) }
	return .2126*cut(red) + .7152*cut(green) + .0722*cut(blue)
}

func contrast(a, b color) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func TestContrastOfBlackOnWhite(t *testing.T) {
	if got := contrast(color{}, color{l: 1}); math.Abs(got-21) > .01 {
		t.Errorf("contrast = %.2f, want 21", got)
	}
}

func TestTextIsReadableInBothThemes(t *testing.T) {
	themes := readColors(t)
	readable := func(theme, text, ground string) {
		if got := contrast(themes[theme][text], themes[theme][ground]); got < 4.5 {
			t.Errorf("%s: --%s on --%s has a contrast of %.2f, want 4.5", theme, text, ground, got)
		}
	}
	texts := []string{"text", "mute", "faint", "ok", "warn", "crit", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "gold", "silver", "bronze"}
	for theme := range themes {
		for _, text := range texts {
			for _, ground := range []string{"bg", "panel", "raise"} {
				readable(theme, text, ground)
			}
		}
		for _, ground := range []string{"ok", "warn", "crit", "s1"} {
			readable(theme, "ink", ground)
		}
		for _, text := range []string{"text", "mute", "faint", "ok", "crit", "s1", "gold", "silver", "bronze"} {
			readable(theme, text, "you")
		}
		for i := range 8 {
			readable(theme, "paper", "face"+strconv.Itoa(i))
		}
	}
}

// readColors returns the colours of tokens.css by theme and name.
func readColors(t *testing.T) map[string]map[string]color {
	t.Helper()
	css, err := os.ReadFile("../assets/css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	const oklch = `oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\)`
	pair := regexp.MustCompile(`--([\w-]+): light-dark\(` + oklch + `, ` + oklch + `\)`)
	light, dark := map[string]color{}, map[string]color{}
	for _, m := range pair.FindAllStringSubmatch(string(css), -1) {
		light[m[1]] = parseColor(t, m[2:5])
		dark[m[1]] = parseColor(t, m[5:8])
	}
	if len(light) == 0 {
		t.Fatal("tokens.css has no colours")
	}
	return map[string]map[string]color{"light": light, "dark": dark}
}

func parseColor(t *testing.T, parts []string) color {
	t.Helper()
	var v [3]float64
	for i, p := range parts {
		var err error
		if v[i], err = strconv.ParseFloat(p, 64); err != nil {
			t.Fatal(err)
		}
	}
	return color{v[0] / 100, v[1], v[2]}
}
