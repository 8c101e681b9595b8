package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	browserpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// How long a page may take, as its readers are promised.
const (
	soon       = 5 * time.Second  // for what happens at once, on a machine with other things to do
	backWithin = 10 * time.Second // until a page is live again, once its server is
	lostWithin = 15 * time.Second // until a page says that its server is silent

	seenAgainWithin = time.Second // until a tab that was hidden is current
)

// browser is the one Chromium of all tests, each of which has tabs of its own in it.
var browser = sync.OnceValues(func() (context.Context, error) {
	folder, err := os.MkdirTemp("", "liveboard-browser")
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.UserDataDir(folder),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	closeBrowser = func() {
		cancel()
		_ = os.RemoveAll(folder)
	}
	return ctx, chromedp.Do(ctx)
})

// closeBrowser ends the browser, if one was started.
var closeBrowser = func() {}

// tab is a page in the browser. Unless it says so by expect, a test fails when the page throws, logs an error or
// breaches its own policy.
type tab struct {
	t   testing.TB
	ctx context.Context

	heard chan string // every fault, and every failed request of the worker, for hears

	mu       sync.Mutex
	faults   []string
	expected []string
}

// newTab returns an empty tab that shares neither cookies nor storage with others. The test's end closes it.
func newTab(t testing.TB) *tab {
	t.Helper()
	p := attach(t, chromedp.WithNewBrowserContext())
	p.do(chromedp.EmulateViewport(1440, 900))
	return p
}

// attach returns the tab, or the frame, that the option means.
func attach(t testing.TB, option chromedp.ContextOption) *tab {
	t.Helper()
	ctx, err := browser()
	if err != nil {
		t.Fatalf("no Chromium starts here (%v): .ci/test installs what the tests need, then runs them", err)
	}
	p := &tab{t: t, heard: make(chan string, 1000)}
	ctx, cancel := chromedp.NewContext(ctx, option, chromedp.WithListener(p.hear))
	p.ctx = ctx
	t.Cleanup(cancel)
	t.Cleanup(p.check)
	if err := chromedp.Do(ctx); err != nil { // the tab lasts as long as this first context
		t.Fatal(err)
	}
	return p
}

// openTab returns a tab that shows the page at url and whose live mark says that it is live.
func openTab(t testing.TB, url string) *tab {
	t.Helper()
	p := newTab(t)
	p.do(chromedp.Navigate(url))
	p.wait(soon, isLive)
	if eval[bool](p, `Boolean(document.querySelector('[data-main]'))`) { // and not plain
		p.hearWorker()
	}
	return p
}

// worker returns the worker that carries the page's stream.
func (p *tab) worker() *target.Info {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, soon)
	defer cancel()
	for {
		targets, err := chromedp.Targets(ctx)
		if err != nil {
			p.t.Fatalf("no worker carries the page's stream: %v", err)
		}
		for _, target := range targets {
			if target.Type == "shared_worker" && target.BrowserContextID == chromedp.FromContext(p.ctx).BrowserContextID {
				return target
			}
		}
	}
}

// hearWorker has p hear what the browser tells of the worker.
func (p *tab) hearWorker() {
	p.t.Helper()
	worker, cancel := chromedp.NewContext(p.ctx, chromedp.WithTargetID(p.worker().TargetID), chromedp.WithListener(p.hearOfWorker))
	p.t.Cleanup(cancel)
	if err := chromedp.Do(worker); err != nil {
		p.t.Fatal(err)
	}
}

// before runs a script in the tab's pages before their own.
func before(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, browserpage.AddScriptToEvaluateOnNewDocument, browserpage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	})
}

// isLive holds once the page's stream is open.
const isLive = `document.querySelector('[data-live]').dataset.live === 'stream'`

// hear takes what the browser tells of the page.
func (p *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.fault(e.ExceptionDetails.Text + " " + thrown(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			p.fault(fmt.Sprintf("console: %s", spoken(e.Args)))
		}
	case *log.EventEntryAdded: // failed requests and breaches of the policy among them
		if e.Entry.Level == log.EntryLevelError {
			p.fault(e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

// hearOfWorker takes what the browser tells of a worker. That its requests fail is no fault of it, though worth hearing.
func (p *tab) hearOfWorker(event any) {
	p.hear(event)
	if e, ok := event.(*network.EventLoadingFailed); ok {
		p.tell(e.ErrorText)
	}
}

func thrown(details *runtime.ExceptionDetails) string {
	if details.Exception == nil {
		return details.URL
	}
	return details.Exception.Description
}

func spoken(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		words = append(words, string(a.Value)+a.Description)
	}
	return strings.Join(words, " ")
}

func (p *tab) fault(text string) {
	p.mu.Lock()
	p.faults = append(p.faults, text)
	p.mu.Unlock()
	p.tell(text)
}

// tell passes something on to hears.
func (p *tab) tell(text string) {
	select {
	case p.heard <- text:
	default: // nobody waits for so many
	}
}

// expect lets faults pass that have one of the words in them.
func (p *tab) expect(words ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, words...)
}

// unreachable are the words of what Chromium logs about a server that has gone.
var unreachable = []string{"ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "status of 503"}

// unexpected returns the faults so far that nobody expected.
func (p *tab) unexpected() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.faults), func(fault string) bool {
		return slices.ContainsFunc(p.expected, func(word string) bool { return strings.Contains(fault, word) })
	})
}

func (p *tab) check() {
	for _, fault := range p.unexpected() {
		p.t.Errorf("the page complains: %s", fault)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// waiting is done when the expression in it is true; while it throws, it is not.
const waiting = `new Promise(done => {
	const look = async () => {
		let held = false
		try { held = await (%s) } catch {}
		held ? done(true) : setTimeout(look, 20)
	}
	look()
})`

// wait waits until the JavaScript expression holds in the page, on whatever page the tab then is. The test fails when
// it does not within limit.
func (p *tab) wait(limit time.Duration, expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(waiting, expression), chromedp.EvalAwaitPromise))
		if err == nil {
			return
		}
		if wrong := (*chromedp.ExceptionError)(nil); ctx.Err() != nil || errors.As(err, &wrong) {
			p.t.Fatalf("not within %v: %s\n%v; the tab shows:\n%s", limit, expression, err, p.shown())
		}
		// The tab went to another page: the new one is asked.
	}
}

// shown tells what a person would see.
func (p *tab) shown() string {
	ctx, cancel := context.WithTimeout(p.ctx, soon)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location + '\n' + document.body.innerText.slice(0, 1500)`))
	if err != nil {
		return err.Error()
	}
	return text
}

// hold fails the test unless the expression holds in the page now.
func (p *tab) hold(expression string) {
	p.t.Helper()
	if !eval[bool](p, "Boolean("+expression+")") {
		p.t.Errorf("does not hold: %s\nthe tab shows:\n%s", expression, p.shown())
	}
}

// eval returns the value of an expression, of a promise what it becomes.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%v in %s", err, expression)
	}
	return value
}

// js writes text as JavaScript.
func js(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a form
	}
	return string(quoted)
}

func TestTabHearsEveryFault(t *testing.T) {
	t.Parallel()
	p := openTab(t, newSite(t, shop).URL+"/d/shop")
	p.expect("spoken", "thrown", "Content Security Policy", "status of 404")
	for _, fault := range []struct{ name, act, word string }{
		{"console", `console.error('spoken')`, "spoken"},
		{"exception", `setTimeout(() => { throw new Error('thrown') })`, "thrown"},
		{"inline style", `document.body.setAttribute('style', 'color: red')`, "style-src"},
		{"inline script", `document.body.setAttribute('onclick', 'open()')`, "script-src"},
		{"eval", `document.body.append(Object.assign(document.createElement('script'), {text: 'open()'}))`, "script-src"},
		{"request", `void fetch('/nowhere')`, "status of 404"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			p.do(chromedp.Evaluate[chromedp.Void](fault.act))
			p.hears(t, fault.word)
		})
	}
}

// hears waits for the next fault, or failed request of the worker, with that word in it.
func (p *tab) hears(t *testing.T, word string) {
	t.Helper()
	for late := time.After(backWithin); ; {
		select {
		case fault := <-p.heard:
			if strings.Contains(fault, word) {
				return
			}
		case <-late:
			t.Fatalf("no fault with %q was heard", word)
		}
	}
}
