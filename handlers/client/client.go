// Package client is the other end of the API of the leaderboards: what the commands use.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// answerWithin bounds a request, but not the reading of a file.
const answerWithin = 30 * time.Second

// Client asks one server.
type Client struct {
	URL   string // such as http://127.0.0.1:8080
	Token string // a bearer token; "" for none
	Out   io.Writer
}

// Problem is a refusal in the server's words.
type Problem struct {
	Status int
	Detail string
}

// Error returns the server's sentence.
func (p *Problem) Error() string { return p.Detail }

// leaderboard is the path of a leaderboard and of the parts of it that follow.
func leaderboard(board string, parts ...string) string {
	path := "/api/leaderboards/" + url.PathEscape(board)
	for _, part := range parts {
		path += "/" + url.PathEscape(part)
	}
	return path
}

// call sends a request, with in as its JSON body unless that is nil, and reads the JSON answer into
// out. An error is a *Problem, or says that the server cannot be reached.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any, headers ...string) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	resp, err := c.send(ctx, method, path, query, in, headers...)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("the answer of %s is cut off or no JSON: %w", c.URL, err)
	}
	return nil
}

// send returns a good answer, whose body the caller closes.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, in any, headers ...string) (*http.Response, error) {
	r, err := c.request(ctx, method, path, query, in)
	if err != nil {
		return nil, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be reached: is the server running there? (%w)", c.URL, cause(err))
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		return nil, problem(resp)
	}
	return resp, nil
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	address := strings.TrimSuffix(c.URL, "/") + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("--url: %w", cause(err))
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return r, nil
}

// cause leaves out the method and the URL, which the sentence around it has.
func cause(err error) error {
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// problem reads a refusal (RFC 9457). What is no problem+json came from something else than the server.
func problem(resp *http.Response) error {
	p := &Problem{Status: resp.StatusCode}
	err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(p)
	if err != nil || p.Detail == "" {
		p.Detail = fmt.Sprintf("%s answers %s, and does not say why", resp.Request.URL.Host, resp.Status)
	}
	p.Status = resp.StatusCode
	return p
}
