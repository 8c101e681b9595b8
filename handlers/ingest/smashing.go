package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"liveboard/handlers/jsontext"
	"liveboard/metrics"
)

func init() { openers = append(openers, openSmashing) }

// The metrics that widgets become. Each has the label widget, the id in the address.
const (
	widgetValue  = "widget_value"  // current, else value
	widgetLast   = "widget_last"   // last
	widgetStatus = "widget_status" // status
	widgetItem   = "widget_item"   // items, by label
	widgetPoint  = "widget_point"  // points
)

// openSmashing returns what takes the events of jobs for Smashing, and Dashing before it: https://smashing.github.io
func openSmashing(i *Intake) ([]protocol, func(context.Context)) {
	s := &smashing{intake: i, items: make(map[string]map[metrics.Series]bool)}
	p := protocol{format: "smashing", secret: widgetSecret, refuse: refuseWidget}
	widgets, dashboards := p, p
	widgets.routes, widgets.take = []string{"POST /widgets/{id}"}, s.take
	dashboards.routes, dashboards.read = []string{"POST /dashboards/{id}"}, readDashboard
	return []protocol{widgets, dashboards}, nil
}

// smashing knows which items its widgets have, so that those that are left out of a list end.
type smashing struct {
	intake *Intake

	mu    sync.Mutex
	items map[string]map[metrics.Series]bool // by widget
}

// maxLists bounds the widgets whose items are known; items of others end as any series that is sent no more.
const maxLists = 10_000

// widgetEvent is what a job sends. What else there is, such as title and moreinfo, is text for a screen.
type widgetEvent struct {
	Token   string          `json:"auth_token"`
	Current json.RawMessage `json:"current"`
	Value   json.RawMessage `json:"value"`
	Last    json.RawMessage `json:"last"`
	Status  json.RawMessage `json:"status"`
	Items   []struct {
		Label json.RawMessage `json:"label"`
		Value json.RawMessage `json:"value"`
	} `json:"items"`
	Points []struct {
		X json.RawMessage `json:"x"`
		Y json.RawMessage `json:"y"`
	} `json:"points"`
}

// widgetSecret returns the token that the body bears. A job that has moved here from a Smashing of its own sends the
// secret of that, which is none of ours.
func widgetSecret(d *delivery) string {
	var event struct {
		Token any `json:"auth_token"`
	}
	_ = json.Unmarshal(d.body, &event) // what is wrong with it, its reader says
	if token, _ := event.Token.(string); strings.HasPrefix(token, "lb_") {
		return token
	}
	return ""
}

// refuseWidget tells of a token that is wrong in Smashing's words, and below them in ours.
func refuseWidget(i *Intake, w http.ResponseWriter, r *http.Request, err error) {
	if metrics.KindOf(err) == metrics.Unauthorized {
		http.Error(w, "Invalid API key\n"+err.Error(), http.StatusUnauthorized)
		return
	}
	i.Fail(w, r, err)
}

// readDashboard takes an event for a whole dashboard, such as reload. Screens here need none: they have what is new by
// themselves.
func readDashboard(d *delivery) (metrics.Batch, error) {
	return metrics.Batch{}, decode(d.body, new(struct{}))
}

func decode(body []byte, to any) error {
	if err := checkJSONParts(body); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(to); err != nil {
		return jsontext.Error(body, decoder, err)
	}
	return nil
}

// take records the numbers of a widget, and ends the items that are left out of its list.
func (s *smashing) take(d *delivery) error {
	w, err := readWidget(d)
	if err != nil {
		return err
	}
	if w.listed {
		w.end(s.itemsOf(w.id))
	}
	err = s.intake.record(d.Context(), d.from, metrics.Batch{Samples: w.samples, Origin: d.origin("smashing")}, refusal{})
	if err == nil && w.listed { // else those before have to end with the next event
		s.note(w.id, w.items)
	}
	return err
}

// readWidget reads the numbers of a widget.
func readWidget(d *delivery) (*widget, error) {
	id, err := url.PathUnescape(strings.TrimPrefix(d.URL.EscapedPath(), "/widgets/"))
	if err != nil {
		return nil, metrics.Errorf(metrics.Invalid, "the address is no URL: %w", err)
	}
	var event widgetEvent
	if err := decode(d.body, &event); err != nil {
		return nil, err
	}
	w := &widget{id: id, now: d.now, items: make(map[metrics.Series]bool), listed: event.Items != nil}
	w.read(event)
	emptied := w.listed && len(event.Items) == 0
	switch {
	case w.err != nil:
		return nil, w.err
	case len(w.samples) == 0 && !emptied:
		return nil, metrics.Errorf(metrics.Refused, "There is no number in current, value, last, status, items or points of the widget %q. "+
			"Only numbers are kept: titles and texts stand in the board file.", id)
	}
	return w, nil
}

func (s *smashing) itemsOf(id string) map[metrics.Series]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[id]
}

// note notes the items of a widget.
func (s *smashing) note(id string, items map[metrics.Series]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[id] != nil || len(s.items) < maxLists {
		s.items[id] = items
	}
}
