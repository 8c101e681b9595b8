package rank

import (
	"hash/maphash"

	"liveboard/metrics"
)

// players is the table of one leaderboard's players. Numbers are dense, from 0, in the order of add; a
// player is never removed. Readers may share it among themselves, a writer needs it for itself.
// It takes about 50 bytes for an id of 8 bytes and a name of 12.
type players struct {
	seed       maphash.Seed
	texts      arena
	places     []uint32    // by number: of the id and the name in texts; the name is "" where it is the id
	waste      int         // bytes of texts that renaming has left behind
	byID       []entryByID // by the hash of the id, or after it; its length is a power of two
	attributed labelSets
	looks      *hashSet // hashes of what the names look like; nil unless names are unique
}

// entryByID is the hash of an id, so that most others need not be read to tell them apart, and the player's
// number + 1. It is 0 where no player is.
type entryByID uint64

func (e entryByID) hash() uint32   { return uint32(e >> 32) }
func (e entryByID) number() uint32 { return uint32(e) - 1 }

// newPlayers returns an empty table. With unique, taken can be asked.
func newPlayers(unique bool) *players {
	p := &players{seed: maphash.MakeSeed(), byID: make([]entryByID, 16)}
	if unique {
		p.looks = newHashSet()
	}
	return p
}

// add takes in a player whose id is not known yet, and returns the number. A name that is "" is the id. It keeps
// nothing of attributes.
func (p *players) add(id, name string, attributes metrics.Labels) uint32 {
	n := uint32(len(p.places))
	if name == id {
		name = ""
	}
	p.places = append(p.places, p.texts.add(id, name))
	p.attributed.add(attributes)
	p.enlist(n, id)
	p.show(p.name(n))
	return n
}

// enlist puts player n into byID, which stays at most three quarters full.
func (p *players) enlist(n uint32, id string) {
	if len(p.places)*4 > len(p.byID)*3 {
		p.widen()
	}
	i, hash := p.search(id)
	p.byID[i] = entryByID(hash)<<32 | entryByID(n+1)
}

// widen doubles byID.
func (p *players) widen() {
	narrow := p.byID
	p.byID = make([]entryByID, 2*len(narrow))
	mask := len(p.byID) - 1
	for _, e := range narrow {
		if e == 0 {
			continue
		}
		i := int(e.hash()) & mask
		for p.byID[i] != 0 {
			i = (i + 1) & mask
		}
		p.byID[i] = e
	}
}

// search returns the index in byID of the player with that id, or that of the free entry where it would be, and
// the id's hash.
func (p *players) search(id string) (i int, hash uint32) {
	hash = uint32(maphash.String(p.seed, id))
	mask := len(p.byID) - 1
	for i = int(hash) & mask; p.byID[i] != 0; i = (i + 1) & mask {
		if e := p.byID[i]; e.hash() == hash && p.has(e.number(), id) {
			break
		}
	}
	return i, hash
}

// has reports whether id is that of player n.
func (p *players) has(n uint32, id string) bool {
	known, _ := p.texts.record(p.places[n])
	return known == id
}

// len returns the number of players.
func (p *players) len() int { return len(p.places) }

// lookup returns the number of the player with that id.
func (p *players) lookup(id string) (n uint32, ok bool) {
	i, _ := p.search(id)
	e := p.byID[i]
	return e.number(), e != 0
}

// id returns the id of player n.
func (p *players) id(n uint32) string {
	id, _ := p.texts.record(p.places[n])
	return id
}

// name returns the name of player n.
func (p *players) name(n uint32) string {
	id, name := p.texts.record(p.places[n])
	if name == "" {
		return id
	}
	return name
}

// attributes returns the attributes of player n. They are shared: callers must not change them.
func (p *players) attributes(n uint32) metrics.Labels { return p.attributed.of(n) }

// setAttributes replaces the attributes of player n. It keeps nothing of attributes.
func (p *players) setAttributes(n uint32, attributes metrics.Labels) {
	p.attributed.set(n, attributes)
}

// rename gives player n a name; "" is the id.
func (p *players) rename(n uint32, name string) {
	id, before := p.texts.record(p.places[n])
	if name == id {
		name = ""
	}
	if name == before {
		return
	}
	p.hide(p.name(n))
	p.waste += recordBytes(len(id), len(before))
	p.places[n] = p.texts.add(id, name)
	p.show(p.name(n))
	if p.waste > blockBytes && p.waste > p.texts.used/2 {
		p.compact()
	}
}

// compact leaves behind what renaming has wasted.
func (p *players) compact() {
	var texts arena
	for i, place := range p.places {
		id, name := p.texts.record(place)
		p.places[i] = texts.add(id, name)
	}
	p.texts, p.waste = texts, 0
}

// taken reports whether a name looks like that of a player, the player's own included: compare look first
// where a player's own name changes. It is for tables of unique names.
func (p *players) taken(name string) bool {
	return p.looks.has(p.lookHash(name))
}

// show notes what a name looks like.
func (p *players) show(name string) {
	if p.looks != nil {
		p.looks.add(p.lookHash(name))
	}
}

// hide forgets what a name looks like. Where two have looked the same since before names had to be unique, it
// forgets that of both.
func (p *players) hide(name string) {
	if p.looks != nil {
		p.looks.remove(p.lookHash(name))
	}
}

// lookHash stands for the look of a name, and is not 0. With a secret seed a collision in 63 bits is not to be
// expected among all the players there are.
func (p *players) lookHash(name string) uint64 {
	const mark = 1 << 63
	return maphash.String(p.seed, look(name)) | mark
}
