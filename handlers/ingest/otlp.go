package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"liveboard/metrics"
)

// OpenTelemetry's protocol over HTTP: https://opentelemetry.io/docs/specs/otlp/#otlphttp
func init() {
	openers = append(openers, func(*Intake) ([]protocol, func(context.Context)) {
		sums := newSums()
		return []protocol{{
			format: "otlp", routes: []string{"POST /v1/metrics"},
			read:   func(d *delivery) (metrics.Batch, error) { return readOTLP(d, sums) },
			accept: acceptOTLP, refuse: refuseOTLP,
		}}, nil
	})
}

// The encodings, of which an answer has that of its request.
const (
	otlpProto = "application/x-protobuf"
	otlpJSON  = "application/json"
)

// Bounds of what is taken apart at once. They bound the memory that a hostile body can take.
const (
	maxPointBytes = 64 << 10
	maxOTLPDepth  = 100
)

func otlpEncoding(r *http.Request) string {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return media
}

// readOTLP reads an ExportMetricsServiceRequest, which is the same message as MetricsData.
func readOTLP(d *delivery, sums *sums) (batch metrics.Batch, err error) {
	message := d.body
	switch encoding := otlpEncoding(d.Request); encoding {
	case otlpProto:
	case otlpJSON:
		if message, err = protoOfJSON(d.body); err != nil {
			return metrics.Batch{}, err
		}
	default:
		return metrics.Batch{}, metrics.Errorf(metrics.Unsupported, "Content-Type must be %s or %s, not %q", otlpProto, otlpJSON, d.Header.Get("Content-Type"))
	}
	o := &otlp{delivery: d, sums: sums}
	request := scanner{rest: message}
	for f, ok := request.next(); ok; f, ok = request.next() {
		if f.is(1, protowire.BytesType) {
			if err := o.resourceMetrics(f.bytes); err != nil {
				return metrics.Batch{}, err
			}
		}
	}
	return metrics.Batch{Samples: o.samples, Partial: true}, request.err
}

// protoOfJSON returns a request in JSON as protobuf.
func protoOfJSON(body []byte) ([]byte, error) {
	if err := checkJSONParts(body); err != nil {
		return nil, err
	}
	var request metricspb.MetricsData
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxOTLPDepth}).Unmarshal(body, &request); err != nil {
		return nil, metrics.Errorf(metrics.Invalid, "the body is no OTLP in JSON: %w", err)
	}
	return proto.Marshal(&request)
}

// unmarshal reads a small message.
func unmarshal(message []byte, into proto.Message) error {
	if len(message) > maxPointBytes {
		return metrics.Errorf(metrics.Invalid, "a resource or a data point has %d bytes, at most %d are allowed", len(message), maxPointBytes)
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxOTLPDepth}).Unmarshal(message, into); err != nil {
		return errBroken
	}
	return nil
}

// acceptOTLP answers with an ExportMetricsServiceResponse that has nothing to tell.
func acceptOTLP(w http.ResponseWriter, d *delivery) {
	if otlpEncoding(d.Request) == otlpJSON {
		answerOTLP(w, http.StatusOK, otlpJSON, []byte("{}"))
		return
	}
	answerOTLP(w, http.StatusOK, otlpProto, nil)
}

// refuseOTLP answers with the partial success of a response where some of the request was recorded or could have been,
// and with google.rpc.Status otherwise.
func refuseOTLP(i *Intake, w http.ResponseWriter, r *http.Request, err error) {
	encoding := otlpEncoding(r)
	if partial := (*metrics.PartialError)(nil); errors.As(err, &partial) {
		answerOTLP(w, http.StatusOK, encoding, partialSuccess(encoding, partial))
		return
	}
	status, sentence := i.Explain(w, r, err)
	if encoding == otlpProto {
		const message = 2
		answerOTLP(w, status, encoding, protowire.AppendString(protowire.AppendTag(nil, message, protowire.BytesType), sentence))
		return
	}
	body, _ := json.Marshal(map[string]string{"message": sentence})
	answerOTLP(w, status, otlpJSON, body)
}

func partialSuccess(encoding string, partial *metrics.PartialError) []byte {
	if encoding == otlpJSON {
		type partialSuccess struct {
			RejectedDataPoints string `json:"rejectedDataPoints"` // 64 bits, which protobuf's JSON quotes
			ErrorMessage       string `json:"errorMessage"`
		}
		body, _ := json.Marshal(map[string]partialSuccess{"partialSuccess": {strconv.Itoa(partial.Refused), partial.Error()}})
		return body
	}
	inner := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(partial.Refused))
	inner = protowire.AppendString(protowire.AppendTag(inner, 2, protowire.BytesType), partial.Error())
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), inner)
}

func answerOTLP(w http.ResponseWriter, status int, encoding string, body []byte) {
	w.Header().Set("Content-Type", encoding)
	w.WriteHeader(status)
	// A client that has gone needs no answer.
	_, _ = w.Write(body)
}
