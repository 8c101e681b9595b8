package panels

import "time"

// ZoneName names the zone of t as browsers know it: by its IANA name, or by its offset where the
// server does not know the name.
func ZoneName(t time.Time) string {
	if name := t.Location().String(); name != "Local" {
		return name
	}
	return t.Format("-07:00")
}
