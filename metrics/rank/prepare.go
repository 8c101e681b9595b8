package rank

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"liveboard/metrics"
)

// How many refused scores are kept for review in a minute.
const (
	maxFlags      = 5  // of a player
	maxBoardFlags = 60 // of a leaderboard, for whoever is refused may call themselves something else each time
)

// draft puts the job's submission into the draft, whole, or answers it.
func (l *Ledger) draft(d *draft, j *job) {
	s := j.submission
	b, err := l.Board(s.Board)
	if err != nil {
		j.reply(outcome{err: err})
		return
	}
	j.board = b
	if s.Key != "" && l.answered(d, j) {
		return
	}
	db := d.on(b)
	j.first, j.request = len(d.entries), -1
	d.undo = d.undo[:0]
	for i := range s.Scores {
		if err = l.draftScore(d, db, s.Scores[i]); err != nil {
			break
		}
	}
	if err != nil {
		l.refuse(d, db, j, err)
		return
	}
	j.count = len(d.entries) - j.first
	if s.Key != "" {
		j.request = len(d.requests)
		d.requests = append(d.requests, Request{Board: s.Board, Key: s.Key, Hash: s.Hash, First: d.entries[j.first].Number, Count: j.count, At: d.now})
		d.keys[s.Board+"\x00"+s.Key] = j
	}
	d.jobs = append(d.jobs, j)
}

// answered reports whether the key of the submission was used before, and if so answers, or lets
// the one in the draft answer.
func (l *Ledger) answered(d *draft, j *job) bool {
	s := j.submission
	if first := d.keys[s.Board+"\x00"+s.Key]; first != nil {
		if first.submission.Hash != s.Hash {
			j.reply(outcome{err: errKey})
		} else {
			first.twins = append(first.twins, j)
		}
		return true
	}
	r, ok, err := l.config.Log.Request(context.Background(), s.Board, s.Key)
	switch {
	case err != nil:
		j.reply(outcome{err: metrics.Because(err, metrics.Unavailable, "The Idempotency-Key could not be looked up: try again in a few seconds.")})
	case !ok:
		return false
	case r.Hash != s.Hash:
		j.reply(outcome{err: errKey})
	default:
		a, err := l.recall(j.board, r)
		j.reply(outcome{answer: a, again: err == nil, err: err})
	}
	return true
}

var errKey = metrics.Errorf(metrics.Conflict, "The Idempotency-Key was used for another submission: send a new key with new scores.")

// recall returns the answer that was given to a request. Where none was kept it is made from the
// request's entries and the ranks of now, and kept if possible.
func (l *Ledger) recall(b *Board, r Request) (Answer, error) {
	var a Answer
	if r.Answer != nil {
		if err := json.Unmarshal(r.Answer, &a); err != nil {
			return Answer{}, fmt.Errorf("read the answer that is kept for entry %d: %w", r.First, err)
		}
		return a, nil
	}
	a.Leaderboard = r.Board
	for number := r.First; number < r.First+uint64(r.Count); number++ {
		e, err := l.config.Log.Entry(context.Background(), number)
		if err != nil {
			return Answer{}, metrics.Because(err, metrics.Unavailable, "The scores of this Idempotency-Key cannot be read at the moment: try again in a few seconds.")
		}
		if e.Kind == Scored {
			a.Results = append(a.Results, b.recalled(&e))
		}
	}
	b.lock()
	a.Frozen = b.freeze != nil
	b.mu.RUnlock()
	r.Answer = encoded(a)
	_ = l.config.Log.Keep(context.Background(), []Request{r})
	return a, nil
}

func (b *Board) recalled(e *Entry) Outcome {
	b.lock()
	defer b.mu.RUnlock()
	return b.outcome(e, b.live.spans[0].now.rankOf(e.Player))
}

// refusal is an error about a score that staff shall hear of.
type refusal struct {
	error
	score metrics.Score
}

func (r refusal) Unwrap() error { return r.error }

func refused(s metrics.Score, format string, args ...any) error {
	return refusal{metrics.Errorf(metrics.Refused, format, args...), s}
}

// refuse takes the submission back and answers, and keeps a flag where staff shall hear of it.
func (l *Ledger) refuse(d *draft, db *draftBoard, j *job, err error) {
	index, flagged := 0, false
	for _, e := range d.entries[j.first:] {
		if e.Kind == Scored {
			index++
		}
	}
	d.back(db, j.first)
	if r := (refusal{}); errors.As(err, &r) {
		err = r.error
		flagged = l.flag(d, db, j.submission, r)
	}
	err = numbered(err, index, len(j.submission.Scores))
	if flagged {
		d.refused = append(d.refused, func() { j.reply(outcome{err: err}) })
	} else {
		j.reply(outcome{err: err})
	}
}

// flag puts a Flagged into the draft and reports so, unless the player or the leaderboard has enough of them in
// this minute.
func (l *Ledger) flag(d *draft, db *draftBoard, s *Submission, r refusal) bool {
	board := db.board.name
	id := board + "\x00" + r.score.Player
	if l.flags.of(id, d.now) >= maxFlags || l.flags.of(board, d.now) >= maxBoardFlags {
		return false
	}
	l.flags.count(id, d.now, maxFlags)
	l.flags.count(board, d.now, maxBoardFlags)
	number, _ := db.player(r.score.Player)
	d.add(db, Entry{
		Kind: Flagged, Player: number, ID: r.score.Player, Name: r.score.Name,
		At: r.score.At, Value: r.score.Value, Subs: r.score.Subs, By: s.By, Reason: r.Error(),
	})
	return true
}

// draftScore puts a score's entries into the draft. It looks at players, scores and moderation alone, which only the
// committer's goroutine changes, and does so without the board's mutex: it may have to read the log.
func (l *Ledger) draftScore(d *draft, db *draftBoard, s metrics.Score) error {
	if s.At == 0 {
		s.At = d.now
	}
	if err := l.admit(d, db, s); err != nil {
		return err
	}
	number, err := d.join(db, &s)
	if err != nil {
		return err
	}
	e := Entry{Kind: Scored, Player: number, At: s.At, Value: s.Value, Subs: s.Subs, Previous: db.last(number)}
	put(d, db.scored, number, scored{d.add(db, e), s.Value})
	if db.board.spec.Limits.PerMinute > 0 {
		put(d, db.rate, number, db.rate[number]+1)
	}
	return nil
}

// admit holds a score to the limits of the leaderboard.
func (l *Ledger) admit(d *draft, db *draftBoard, s metrics.Score) error {
	limits := db.board.spec.Limits
	switch {
	case limits.Min != nil && s.Value < *limits.Min:
		return refused(s, "%v is below the least score of %v that this leaderboard takes.", s.Value, *limits.Min)
	case limits.Max != nil && s.Value > *limits.Max:
		return refused(s, "%v is above the greatest score of %v that this leaderboard takes.", s.Value, *limits.Max)
	}
	number, known := db.player(s.Player)
	if !known {
		return nil
	}
	if db.board.staff.banned[number] > 0 {
		return refused(s, "The player %q is banned from this leaderboard.", s.Player)
	}
	if limits.PerMinute > 0 && db.rates(number, d.now) >= limits.PerMinute {
		return metrics.Errorf(metrics.TooMany, "The player %q has sent %d scores within a minute: try again in the next one.", s.Player, limits.PerMinute)
	}
	if limits.MaxStep == nil {
		return nil
	}
	return db.admitStep(s, number, *limits.MaxStep)
}

// admitStep refuses a score that is too far from the player's one before.
func (db *draftBoard) admitStep(s metrics.Score, number uint32, most float64) error {
	before, ok := db.scored[number]
	if !ok {
		removed := db.board.removals(number)
		for e, err := range db.board.chain(context.Background(), db.last(number)) {
			if err != nil {
				return err
			}
			if !removed[e.Number] {
				before, ok = scored{e.Number, e.Value}, true
				break
			}
		}
	}
	step := math.Abs(s.Value - before.value)
	switch {
	case !ok || step <= most:
		return nil
	case db.board.frozen() || db.board.spec.Visibility == metrics.StaffOnly: // the distance would tell the score before
		return refused(s, "%v is too far from the player's score before: this leaderboard takes steps of %v at most.", s.Value, most)
	}
	return refused(s, "%v is %v away from the player's score before, more than the %v that this leaderboard takes.", s.Value, step, most)
}
