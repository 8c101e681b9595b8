package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"liveboard/data"
	"liveboard/metrics"
)

// database is the file that commands open themselves, beside a server that may run: whoever can read it
// is trusted with it.
type database struct {
	Data string `default:"data/liveboard.db" env:"LIVEBOARD_DATA" help:"The database file."`
}

// Token is the command "token": who may bring samples, who may submit scores, and who is staff.
type Token struct {
	Create CreateToken `cmd:"" help:"Make a token and print it, once."`
	List   ListTokens  `cmd:"" help:"List the tokens."`
	Revoke RevokeToken `cmd:"" help:"End a token, within a second."`
}

// CreateToken makes a token.
type CreateToken struct {
	database
	Scope   []string `required:"" help:"What it allows: ingest, score:{leaderboard} or staff:{leaderboard}, * for all; may be repeated."`
	Prefix  []string `help:"Of the scope ingest: what the names of its metrics must begin with, such as shop_; may be repeated."`
	Name    string   `help:"Who or what it is for, as audits shall call it."`
	Expires string   `help:"After how long it ends, such as 90d or 12h; never where it is left out."`
}

// Run prints the token on stdout and what there is to know about it on stderr.
func (c CreateToken) Run() error {
	expires, err := parseExpires(c.Expires)
	if err != nil {
		return err
	}
	scopes, err := c.scopes()
	if err != nil {
		return err
	}
	return withTokens(c.Data, func(tokens *data.Tokens) error {
		secret, token, err := tokens.Create(context.Background(), c.Name, scopes, expires)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "Token %s (%s). It is shown this once:\n", token.ID, strings.Join(token.Scopes, ", "))
		fmt.Println(secret)
		return nil
	})
}

// scopes returns the scopes, where ingest is held to the prefixes.
func (c CreateToken) scopes() ([]string, error) {
	if len(c.Prefix) == 0 {
		return c.Scope, nil
	}
	if !slices.Contains(c.Scope, metrics.VerbIngest) {
		return nil, errors.New("--prefix belongs to --scope ingest")
	}
	var scopes []string
	for _, scope := range c.Scope {
		if scope != metrics.VerbIngest {
			scopes = append(scopes, scope)
			continue
		}
		for _, prefix := range c.Prefix {
			scopes = append(scopes, metrics.VerbIngest+":"+prefix)
		}
	}
	return scopes, nil
}

func parseExpires(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var days int
	if n, err := fmt.Sscanf(text, "%dd", &days); n == 1 && err == nil && fmt.Sprintf("%dd", days) == text && days > 0 && days <= 36500 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("--expires %s: write a time such as 90d or 12h", text)
	}
	return d, nil
}

// ListTokens lists the tokens.
type ListTokens struct{ database }

// Run prints a line a token.
func (c ListTokens) Run() error {
	return withTokens(c.Data, func(tokens *data.Tokens) error {
		all, err := tokens.List(context.Background())
		if err != nil {
			return err
		}
		return columns(func(w io.Writer) {
			fmt.Fprint(w, "ID\tNAME\tSCOPES\tCREATED\tEXPIRES\tLAST USED\tSTATE\n")
			for _, t := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, shownText(t.Name), strings.Join(t.Scopes, " "),
					day(t.CreatedAt), day(t.ExpiresAt), day(t.UsedAt), tokenState(t))
			}
		})
	})
}

func tokenState(t metrics.Token) string {
	switch {
	case !t.RevokedAt.IsZero():
		return "revoked"
	case !t.ExpiresAt.IsZero() && time.Now().After(t.ExpiresAt):
		return "expired"
	}
	return "good"
}

// RevokeToken ends a token.
type RevokeToken struct {
	database
	ID string `arg:"" help:"The token's id, as list shows it."`
}

// Run ends it.
func (c RevokeToken) Run() error {
	return withTokens(c.Data, func(tokens *data.Tokens) error { return tokens.Revoke(context.Background(), c.ID) })
}

// exists refuses a path without a database: a token in a new one would open nothing.
func exists(path string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("there is no database %q: name the server's with --data (its first start makes it)", path)
	}
	return nil
}

func withTokens(path string, do func(*data.Tokens) error) error {
	if err := exists(path); err != nil {
		return err
	}
	tokens, closed, err := data.OpenTokens(path)
	if err != nil {
		return err
	}
	return errors.Join(do(tokens), closed())
}

// Key is the command "key": the keys that sign the submissions to a leaderboard.
type Key struct {
	Create CreateKey `cmd:"" help:"Make a signing key and print it, once. A leaderboard has two at most: make the new one, then revoke the old."`
	List   ListKeys  `cmd:"" help:"List the signing keys."`
	Revoke RevokeKey `cmd:"" help:"End a signing key, within a second."`
}

// CreateKey makes a signing key.
type CreateKey struct {
	database
	Board string `arg:"" help:"The leaderboard."`
}

// Run prints the key on stdout and its id on stderr.
func (c CreateKey) Run() error {
	return withKeys(c.Data, func(keys *data.Keys) error {
		secret, key, err := keys.Create(context.Background(), c.Board)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "Key %s of %s. It is shown this once:\n", key.ID, key.Board)
		fmt.Println(secret)
		return nil
	})
}

// ListKeys lists the signing keys.
type ListKeys struct{ database }

// Run prints a line a key.
func (c ListKeys) Run() error {
	return withKeys(c.Data, func(keys *data.Keys) error {
		all, err := keys.List(context.Background())
		if err != nil {
			return err
		}
		return columns(func(w io.Writer) {
			fmt.Fprint(w, "LEADERBOARD\tID\tCREATED\tREVOKED\n")
			for _, k := range all {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", k.Board, k.ID, day(k.CreatedAt), day(k.RevokedAt))
			}
		})
	})
}

// RevokeKey ends a signing key.
type RevokeKey struct {
	database
	Board string `arg:"" help:"The leaderboard."`
	ID    string `arg:"" help:"The key's id, as list shows it."`
}

// Run ends it.
func (c RevokeKey) Run() error {
	return withKeys(c.Data, func(keys *data.Keys) error { return keys.Revoke(context.Background(), c.Board, c.ID) })
}

func withKeys(path string, do func(*data.Keys) error) error {
	if err := exists(path); err != nil {
		return err
	}
	keys, closed, err := data.OpenKeys(path)
	if err != nil {
		return err
	}
	return errors.Join(do(keys), closed())
}

// day is a moment as lists show it, a dash for none.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func columns(print func(io.Writer)) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	print(w)
	return w.Flush()
}
