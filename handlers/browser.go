package handlers

import (
	"net/http"
	"regexp"
)

// Headers of our own that a page's script sends.
const (
	clientHeader = "Liveboard-Client" // a random name that the browser has given itself
	reasonHeader = "Liveboard-Reason" // why the request before this one failed
)

var (
	clientName = regexp.MustCompile(`^[A-Za-z0-9_-]{16,64}$`)
	reasonWord = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
)

// clientOf returns the name that the browser has given itself, "" for none.
func clientOf(r *http.Request) string {
	if name := r.Header.Get(clientHeader); clientName.MatchString(name) {
		return name
	}
	return ""
}

// browserOf is clientOf where that browser's connections are few: over HTTP/1.1, unless a proxy speaks another with it.
func browserOf(r *http.Request) string {
	if r.ProtoMajor > 1 || r.TLS == nil && r.Header.Get("X-Forwarded-Proto") == "https" {
		return ""
	}
	return clientOf(r)
}

// reasonOf returns why the client's last request failed, in its words; "" where it does not say.
func reasonOf(r *http.Request) string {
	if word := r.Header.Get(reasonHeader); reasonWord.MatchString(word) {
		return word
	}
	return ""
}
