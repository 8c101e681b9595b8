package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"liveboard/handlers/doctor"
)

// Doctor is the command "doctor": it examines what lies between this host and a server.
type Doctor struct {
	URL  string `arg:"" default:"http://127.0.0.1:8080" env:"LIVEBOARD_URL" help:"Any address of the server, as a browser would open it."`
	JSON bool   `name:"json" help:"Print the findings as JSON."`
}

// Run prints the findings. The error says how many are bad, or why nothing could be examined.
func (d Doctor) Run(k *kong.Context) error {
	base, err := origin(d.URL)
	if err != nil {
		return err
	}
	e := newExamination(base)
	defer e.close()
	if err := e.begin(context.Background()); err != nil {
		return err
	}
	report := func(doctor.Finding) {}
	if !d.JSON {
		report = printer{k.Stdout, map[doctor.Cure]bool{}}.finding
	}
	findings := e.examine(context.Background(), report)
	if d.JSON {
		if err := printJSON(k.Stdout, base, findings); err != nil {
			return err
		}
	}
	return diagnosis(findings)
}

// origin keeps of an address what leads to the server.
func origin(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", fmt.Errorf("%s is no address of a server: write it as http://host:port or https://host", address)
	}
	return u.Scheme + "://" + u.Host, nil
}

func diagnosis(findings []doctor.Finding) error {
	var bad []string
	for _, f := range findings {
		if f.Verdict == doctor.Bad {
			bad = append(bad, f.Title)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	return errors.New("not as it should be: " + strings.Join(bad, ", "))
}

// printer writes findings for people, and each cure once.
type printer struct {
	io.Writer
	written map[doctor.Cure]bool
}

func (p printer) finding(f doctor.Finding) {
	fmt.Fprintf(p, "%-8s %-23s %s\n", f.Verdict, f.Title, shownText(f.Text))
	fresh := slices.DeleteFunc(slices.Clone(f.Cures), func(c doctor.Cure) bool { return p.written[c] })
	if len(fresh) < len(f.Cures) {
		fmt.Fprintf(p, "%9sThe lines above cure this as well.\n", "")
	}
	for _, c := range fresh {
		p.written[c] = true
		fmt.Fprintf(p, "%9s%s, %s:\n\n", "", c.Program, c.Where)
		for line := range strings.SplitSeq(c.Lines, "\n") {
			fmt.Fprintf(p, "%13s%s\n", "", line)
		}
		fmt.Fprintln(p)
	}
}

func printJSON(w io.Writer, base string, findings []doctor.Finding) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		URL      string           `json:"url"`
		Findings []doctor.Finding `json:"findings"`
	}{base, findings})
}
