package ingest

import (
	"net/http"
	"strings"

	"liveboard/metrics"
)

// influxVersion is the InfluxDB that clients are told of: the first of 1 that also took what clients of 2 write.
const influxVersion = "1.8.10"

// maxQueryBytes bounds the form of a query.
const maxQueryBytes = 64 << 10

func init() {
	for _, route := range []string{"GET /ping", "HEAD /ping", "GET /api/v2/ping", "HEAD /api/v2/ping"} {
		answers[route] = influxPing
	}
	answers["GET /health"] = influxHealth
	answers["GET /query"] = influxQuery
	answers["POST /query"] = influxQuery
}

// influxPing tells clients that an InfluxDB is there. They ask before they have a token.
func influxPing(_ *Intake, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Influxdb-Version", influxVersion)
	w.Header().Set("X-Influxdb-Build", "Liveboard")
	w.Header().Set("Cache-Control", "no-store")
	if verbose := r.URL.Query().Get("verbose"); verbose != "" && verbose != "false" && verbose != "0" {
		answerJSON(w, http.StatusOK, map[string]string{"version": influxVersion})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// influxHealth tells clients of version 2 that an InfluxDB is there.
func influxHealth(_ *Intake, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	answerJSON(w, http.StatusOK, map[string]any{
		"name": "influxdb", "message": "ready for writes", "status": "pass", "checks": []any{}, "version": influxVersion,
	})
}

// influxResult answers one statement.
type influxResult struct {
	StatementID int           `json:"statement_id"`
	Series      []influxTable `json:"series,omitempty"`
}

type influxTable struct {
	Name    string     `json:"name"`
	Columns []string   `json:"columns"`
	Values  [][]string `json:"values"`
}

// influxQuery answers what clients ask before they write: that a database is made, and which there are. There is
// one, under whatever name it is asked for.
func influxQuery(i *Intake, w http.ResponseWriter, r *http.Request) {
	results, err := i.influxResults(w, r)
	if err != nil {
		refuseInflux1(i, w, r, err)
		return
	}
	w.Header().Set("X-Influxdb-Version", influxVersion)
	answerJSON(w, http.StatusOK, map[string]any{"results": results})
}

func (i *Intake) influxResults(w http.ResponseWriter, r *http.Request) (results []influxResult, err error) {
	d := &delivery{Request: r}
	if err := noSecretInURL(d); err != nil {
		return nil, err
	}
	if err := i.admit(d, ""); err != nil {
		return nil, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxQueryBytes)
	if err := r.ParseForm(); err != nil {
		return nil, metrics.Errorf(metrics.Invalid, "The query could not be read: %w", err)
	}
	for n, statement := range strings.Split(strings.TrimRight(r.FormValue("q"), "; \n"), ";") {
		result := influxResult{StatementID: n}
		switch words := strings.Fields(strings.ToUpper(statement) + " . ."); words[0] + " " + words[1] {
		case "CREATE DATABASE", "CREATE RETENTION", "ALTER RETENTION":
		case "SHOW DATABASES":
			result.Series = []influxTable{{"databases", []string{"name"}, [][]string{{influxDatabase(r)}}}}
		default:
			return nil, metrics.Errorf(metrics.Invalid, "error parsing query: Liveboard takes InfluxDB's lines, and answers PromQL.")
		}
		results = append(results, result)
	}
	return results, nil
}

// influxDatabase is the name of the database that the request is about, but not a long one, which many statements would repeat.
func influxDatabase(r *http.Request) string {
	if name := r.FormValue("db"); name != "" && len(name) <= metrics.MaxNameBytes && metrics.CheckText(name) == nil {
		return name
	}
	return "liveboard"
}
