package metrics

// Origin says who brings a batch.
type Origin struct {
	Token  string // the id of the token that the sender bears; "" for this machine
	Format string // the protocol, such as "influx"; or "collector"
	Sender string // an address, or the name of a collector
}

// Arrival is the first sample of a series that nobody has brought before.
type Arrival struct {
	Series Series
	Origin Origin
	At     int64 // Unix milliseconds; 0 where that was not kept
}
