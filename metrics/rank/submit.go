package rank

import (
	"context"
	"encoding/json"
	"time"

	"liveboard/metrics"
)

// MaxScores is how many scores a submission may have.
const MaxScores = 1000

// job is what a sender wants of the ledger: one of submission, action and set.
type job struct {
	submission *Submission
	action     *Action
	set        func() error

	board        *Board // of a submission
	first, count int    // of a submission's entries in the draft
	request      int    // its index in the draft's requests, -1 for none
	twins        []*job
	outcome      chan outcome
}

// outcome is what came of a job.
type outcome struct {
	answer Answer
	again  bool
	entry  Entry
	err    error
}

// Submit records the scores and returns what came of them, once they are durable and every reader sees them.
// Errors: Invalid (a name, a number or a time is wrong), Refused (beyond the leaderboard's limits, banned: a flag is
// kept for review), Conflict (the key was used for another body, or the name is taken), TooMany (scores per minute),
// NotFound, Unavailable. Where there are several scores they name the one, counted from 1. A score whose At is 0 was achieved now.
func (l *Ledger) Submit(ctx context.Context, s Submission) (a Answer, again bool, err error) {
	if n := len(s.Scores); n == 0 || n > MaxScores {
		return Answer{}, false, metrics.Errorf(metrics.Invalid, "A submission has 1 to %d scores, not %d.", MaxScores, n)
	}
	if s.Scores, err = cleaned(s.Scores, time.Now().UnixMilli()); err != nil {
		return Answer{}, false, err
	}
	o := l.do(ctx, &job{submission: &s})
	return o.answer, o.again, o.err
}

// do sends the job to the committer and waits for what comes of it.
func (l *Ledger) do(ctx context.Context, j *job) outcome {
	j.outcome = make(chan outcome, 1)
	if err := l.committer.Add(ctx, j); err != nil {
		return outcome{err: err}
	}
	return <-j.outcome
}

func (j *job) weight() int {
	if j.submission == nil {
		return 1
	}
	return len(j.submission.Scores)
}

// reply tells the senders of the job and of its twins, each what they may know. The job is not used any more.
func (j *job) reply(o outcome) {
	j.outcome <- j.told(o)
	o.again = o.err == nil
	for _, twin := range j.twins {
		twin.outcome <- twin.told(o)
	}
}

// told returns the outcome without what only staff may know, where the sender is none: in its place stands what
// the sender has submitted.
func (j *job) told(o outcome) outcome {
	s := j.submission
	if o.err != nil || s == nil || s.Staff || !o.answer.Frozen && j.board.spec.Visibility != metrics.StaffOnly {
		return o
	}
	results := make([]Outcome, min(len(o.answer.Results), len(s.Scores)))
	for i := range results {
		r := o.answer.Results[i]
		results[i] = Outcome{Entry: r.Entry, Player: r.Player, Score: s.Scores[i].Value}
	}
	o.answer.Results = results
	return o
}

// commit carries out the group: submissions that follow each other share a transaction.
func (l *Ledger) commit(group []*job) {
	if err := l.renew(context.Background()); err != nil {
		for _, j := range group {
			j.reply(outcome{err: err})
		}
		return
	}
	d := l.newDraft()
	for _, j := range group {
		if j.submission != nil {
			l.draft(d, j)
			continue
		}
		l.record(d)
		if j.action != nil {
			j.reply(l.moderate(j.action))
		} else {
			j.reply(outcome{err: j.set()})
		}
		d = l.newDraft()
	}
	l.record(d)
}

// record makes the draft durable, then visible, then known, and then answers.
func (l *Ledger) record(d *draft) {
	if len(d.entries) == 0 {
		return
	}
	defer func() {
		for _, answer := range d.refused {
			answer()
		}
	}()
	if err := l.append(d.entries, d.requests); err != nil {
		for _, j := range d.jobs {
			j.reply(outcome{err: err})
		}
		return
	}
	answers := make([]Answer, len(d.jobs))
	touched := d.apply(answers)
	l.config.Bell(touched)
	l.keep(d, answers)
	for i, j := range d.jobs {
		j.reply(outcome{answer: answers[i]})
	}
}

func (l *Ledger) append(entries []Entry, requests []Request) error {
	// No sender owns the group, so none can cancel it.
	if err := l.config.Log.Append(context.Background(), entries, requests); err != nil {
		return metrics.Because(err, metrics.Unavailable, "The scores could not be stored: try again in a few seconds.")
	}
	l.received = entries[len(entries)-1].Received
	return nil
}

// keep makes the answers of keyed requests durable. Where that fails they are made anew when
// they are asked for, see recall: the scores are safe.
func (l *Ledger) keep(d *draft, answers []Answer) {
	var kept []Request
	for i, j := range d.jobs {
		if j.request >= 0 {
			r := d.requests[j.request]
			r.Answer = encoded(answers[i])
			kept = append(kept, r)
		}
	}
	if len(kept) > 0 {
		_ = l.config.Log.Keep(context.Background(), kept)
	}
}

func encoded(a Answer) []byte {
	text, err := json.Marshal(a)
	if err != nil {
		return nil // an answer has no number that JSON cannot write: see finite
	}
	return text
}

// apply takes the draft's entries into the boards, fills in what came of the jobs, and returns
// the names of the boards that moved.
func (d *draft) apply(answers []Answer) []string {
	var touched []string
	d.outcomes = make([]Outcome, len(d.entries))
	for name, db := range d.boards {
		if len(db.entries) > 0 {
			touched = append(touched, name)
			db.board.take(d, db.entries)
		}
	}
	for i, j := range d.jobs {
		answers[i] = d.answer(j)
	}
	return touched
}

// take applies the entries of the draft with these indexes, and notes what came of the scores.
func (b *Board) take(d *draft, indexes []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, i := range indexes {
		e := &d.entries[i]
		b.tick(time.Now())
		if e.Kind != Scored {
			b.apply(e, nil)
			continue
		}
		before := b.live.spans[0].now.rankOf(e.Player)
		b.apply(e, nil)
		d.outcomes[i] = b.outcome(e, before)
	}
}

// outcome tells what came of a score.
func (b *Board) outcome(e *Entry, before int) Outcome {
	o := Outcome{Entry: e.Number, Player: b.players.id(e.Player), Before: before}
	first := b.live.spans[0].now
	if slot, ok := first.slot(e.Player); ok && first.counts[slot] > 0 {
		o.Score = first.score(slot)
	}
	s := sight{view: b.live}
	o.Standings = s.standings(e.Player)
	if _, ok := first.place(e.Player); ok {
		o.After = o.Standings[0].Rank
	}
	return o
}

// answer collects what came of the job's scores.
func (d *draft) answer(j *job) Answer {
	a := Answer{Leaderboard: j.submission.Board}
	a.Frozen = j.board.frozen()
	for _, o := range d.outcomes[j.first : j.first+j.count] {
		if o.Entry != 0 {
			a.Results = append(a.Results, o)
		}
	}
	return a
}
