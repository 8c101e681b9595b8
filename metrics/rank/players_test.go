package rank

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"liveboard/metrics"
)

// person is a player of the naive table.
type person struct {
	id, name   string
	attributes metrics.Labels
}

func team(name string) metrics.Labels {
	if name == "" {
		return nil
	}
	return metrics.Labels{{Name: "team", Value: name}}
}

// Whatever is added and changed, the table answers as a slice of persons does.
func TestPlayersEqualASlice(t *testing.T) {
	names := rapid.SampledFrom([]string{"", "Ada", "ADA", "Grace", "Åsa", "åsa", strings.Repeat("long ", 20)})
	teams := rapid.SampledFrom([]string{"", "red", "blue"})
	rapid.Check(t, func(t *rapid.T) {
		p, model := newPlayers(true), []person{{id: "p0", name: "p0"}}
		p.add("p0", "", nil)
		one := func(t *rapid.T) uint32 {
			return uint32(rapid.IntRange(0, len(model)-1).Draw(t, "player"))
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				for range rapid.IntRange(1, 15).Draw(t, "n") {
					id := fmt.Sprintf("p%d", len(model))
					made := person{id, names.Draw(t, "name"), team(teams.Draw(t, "team"))}
					if n := p.add(made.id, made.name, made.attributes); int(n) != len(model) {
						t.Fatalf("got number %d, want %d", n, len(model))
					}
					if made.name == "" {
						made.name = id
					}
					model = append(model, made)
				}
			},
			"rename": func(t *rapid.T) {
				n := one(t)
				model[n].name = names.Draw(t, "name")
				p.rename(n, model[n].name)
				if model[n].name == "" {
					model[n].name = model[n].id
				}
			},
			"attributes": func(t *rapid.T) {
				n := one(t)
				model[n].attributes = team(teams.Draw(t, "team"))
				p.setAttributes(n, model[n].attributes)
			},
			"compact": func(*rapid.T) { p.compact() },
			"sweep":   func(*rapid.T) { p.attributed.sweep() },
			"":        func(t *rapid.T) { sameTable(t, p, model) },
		})
	})
}

func sameTable(t *rapid.T, p *players, model []person) {
	if p.len() != len(model) {
		t.Fatalf("got %d players, want %d", p.len(), len(model))
	}
	for i, want := range model {
		n, ok := p.lookup(want.id)
		if !ok || int(n) != i {
			t.Fatalf("%q: got number %d, %v; want %d", want.id, n, ok, i)
		}
		if p.id(n) != want.id || p.name(n) != want.name || !slices.Equal(p.attributes(n), want.attributes) {
			t.Fatalf("got %q called %q with %v, want %v", p.id(n), p.name(n), p.attributes(n), want)
		}
	}
	if n, ok := p.lookup("stranger"); ok {
		t.Fatalf("got number %d for a stranger", n)
	}
	text := rapid.SampledFrom([]string{"a", "ada", "ÅSA", "g g", "P1", "zzz", ""}).Draw(t, "text")
	from := rapid.IntRange(0, len(model)).Draw(t, "from")
	var want []uint32
	for n := from; n < len(model); n++ {
		if strings.Contains(strings.ToLower(model[n].name), strings.ToLower(text)) || strings.Contains(model[n].id, strings.ToLower(text)) {
			want = append(want, uint32(n))
		}
	}
	if got := slices.Collect(p.find(text, from, len(model)+5)); !slices.Equal(got, want) {
		t.Fatalf("find %q from %d: got %v, want %v", text, from, got, want)
	}
}

func TestFindFoldsCase(t *testing.T) {
	p := newPlayers(false)
	for _, name := range []string{"Ada Lovelace", "STRASSE", "Straße", "Åsa", "\u212alaus", "ΣΊΣΥΦΟΣ"} {
		p.add("id-"+name, name, nil)
	}
	p.add("lovelace-2", "", nil)
	tests := []struct {
		text string
		want []uint32
	}{
		{"LOVEL", []uint32{0, 6}},
		{"strasse", []uint32{1, 2}},
		{"straße", []uint32{1, 2}},
		{"a\u030asA", []uint32{3}},
		{"klaus", []uint32{4}},
		{"σίσυφος", []uint32{5}},
		{"id-", []uint32{0, 1, 2, 3, 4, 5}},
		{"e 2", nil},
		{"lovelace-22", nil},
		{"[", nil},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			if got := slices.Collect(p.find(tt.text, 0, p.len())); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if got := slices.Collect(p.find("id-", 1, 3)); !slices.Equal(got, []uint32{1, 2}) {
		t.Errorf("got %v of the players 1 and 2", got)
	}
}

func TestNamesThatLookTheSameAreTaken(t *testing.T) {
	p := newPlayers(true)
	ada := p.add("1", "Ada", nil)
	p.add("grace", "", nil)
	for name, want := range map[string]bool{"ADA": true, "Ａｄａ": true, "Grace": true, "Adam": false, "1": false} {
		if got := p.taken(name); got != want {
			t.Errorf("%q: got taken %v, want %v", name, got, want)
		}
	}
	p.rename(ada, "Augusta")
	if p.taken("ada") || !p.taken("AUGUSTA") {
		t.Errorf("after a rename: got old name taken %v, new one %v", p.taken("ada"), p.taken("AUGUSTA"))
	}
	p.rename(ada, "")
	if p.taken("augusta") || !p.taken("1") {
		t.Errorf("after the name went: got it taken %v, the id %v", p.taken("augusta"), p.taken("1"))
	}
}

// A bot that changes its name or its team with every score must not fill the memory.
func TestChangesLeaveNothingBehind(t *testing.T) {
	p := newPlayers(false)
	for i := range 100 {
		p.add(fmt.Sprint("bot", i), "", nil)
	}
	for i := range 50_000 {
		n := uint32(i % 100)
		p.rename(n, fmt.Sprintf("a rather long name, the %d-th of all", i))
		p.setAttributes(n, team(fmt.Sprint(i)))
	}
	if p.texts.used > 3*blockBytes {
		t.Errorf("got %d bytes of names of 100 players", p.texts.used)
	}
	if n := len(p.attributed.sets); n > 2*(sweepAfter+200) {
		t.Errorf("got %d label sets of 100 players", n)
	}
	for n := range uint32(100) {
		i := 49_900 + int(n)
		if name := fmt.Sprintf("a rather long name, the %d-th of all", i); p.name(n) != name || p.attributes(n).Get("team") != fmt.Sprint(i) {
			t.Errorf("player %d: got %q and %v, want %q and team %d", n, p.name(n), p.attributes(n), name, i)
		}
	}
}

func TestPlayersKeepNothingOfAttributes(t *testing.T) {
	p := newPlayers(false)
	labels := team("red")
	n := p.add("ada", "", labels)
	labels[0].Value = "blue"
	if got := p.attributes(n).Get("team"); got != "red" {
		t.Errorf("got team %q, want red", got)
	}
}

// Ids of 8 bytes and names of 12 leave room for the row of a window and the order within 120 bytes a player.
func TestPlayersTakeFewBytes(t *testing.T) {
	const n = 200_000
	before := heap()
	p := crowd(n)
	if got := float64(heap()-before) / n; got > 56 {
		t.Errorf("got %.1f bytes a player, want 56 at most", got)
	}
	if p.len() != n {
		t.Errorf("got %d players", p.len())
	}
}
