package metrics

import "time"

// CollectorConfig is one collector as the board file asks for it.
type CollectorConfig struct {
	Kind     string // host, process, self, http, scrape
	Name     string // unique among the collectors; the kind where the file gives none
	Interval time.Duration
	Timeout  time.Duration
	Top      int          // process: how many
	Targets  []string     // http, scrape: URLs
	Access   Access       // http, scrape
	Scrape   ScrapeConfig // scrape
}

// Access is how a collector asks its targets, and whom it trusts to be them.
type Access struct {
	Username string // of basic authentication, "" for none
	Password Secret // of basic authentication
	Bearer   Secret // the token of bearer authentication
	TLS      TLSConfig
}

// Secret is where a secret stands: a file or an environment variable. The zero Secret is none.
type Secret struct{ File, Env string }

// TLSConfig is what differs from how a browser would ask over HTTPS.
type TLSConfig struct {
	CAFile             string // PEM; "" trusts whom the system trusts
	CertFile, KeyFile  string // PEM, of the client; both or neither
	ServerName         string // the name that the certificate must bear; "" for the URL's host
	InsecureSkipVerify bool   // any certificate will do
}

// ScrapeConfig is what to make of what Prometheus targets tell.
type ScrapeConfig struct {
	HonorLabels      bool    // a target's own labels win over those that say where it is
	IgnoreTimestamps bool    // samples bear the time of the scrape
	Labels           []Label // of each sample, sorted by name
	Relabel          []RelabelRule
	SampleLimit      int // samples that one target may bring after Relabel; 0 for the most there may be
}

// RelabelRule is one rule of Prometheus's metric_relabel_configs:
// https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
type RelabelRule struct {
	Action       string
	SourceLabels []string
	Separator    string
	Regex        string
	Modulus      int
	TargetLabel  string
	Replacement  string
}

// DefaultRelabelRule returns the rule whose fields are what Prometheus takes where a file leaves them out.
func DefaultRelabelRule() RelabelRule {
	return RelabelRule{Action: "replace", Separator: ";", Regex: "(.*)", Replacement: "$1"}
}
