package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// startBrowser starts a Chromium without a window, which runs until t ends, and
// finds no host by its name.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	// Chromium's sandbox refuses root and many a container, and guards against
	// pages that aren't ours.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 800),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(browser))
	return browser
}

func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("there is no Chromium on PATH to look at a page with")
	return ""
}

// tab is a page that is open in a browser, and what it said and asked for.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	faults   []string
	requests []string
	headers  network.Headers // of the last request
}

// openTab opens the page in a window of its own.
func openTab(t *testing.T, browser context.Context, address string) (*tab, *network.Response) {
	t.Helper()
	p := &tab{t: t}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewWindow(true), chromedp.WithListener(p.listen))
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	p.ctx = ctx
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	response, err := chromedp.Run(waiting, chromedp.NavigateResponse(address))
	require.NoError(t, err)
	return p, response
}

func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		p.faults = append(p.faults, fmt.Sprintf("%s %+v", event.ExceptionDetails.Text, event.ExceptionDetails.Exception))
	case *runtime.EventConsoleAPICalled:
		p.faults = append(p.faults, fmt.Sprintf("console.%s", event.Type))
	case *log.EventEntryAdded:
		p.faults = append(p.faults, event.Entry.Text)
	case *network.EventRequestWillBeSent:
		p.requests, p.headers = append(p.requests, event.Request.URL), event.Request.Headers
	case *network.EventWebSocketCreated:
		p.requests = append(p.requests, event.URL)
	}
}

// requireQuiet says that the page has had nothing to complain of, and asked
// nobody but its own server. What it has as data it asks nobody for.
func (p *tab) requireQuiet(s *server) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	require.Empty(p.t, p.faults)
	require.NotEmpty(p.t, p.requests)
	for _, request := range p.requests {
		address, err := url.Parse(request)
		require.NoError(p.t, err)
		if address.Scheme == "data" {
			continue
		}
		require.Equal(p.t, s.url, "http://"+address.Host, "%.200s", request)
	}
}

func (p *tab) lastHeaders() network.Headers {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.headers
}

// await waits until the expression holds in the page, looking again whenever
// anything in it changes, and at each frame for what doesn't show.
func (p *tab) await(expression string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`new Promise((resolve) => {
		const observer = new MutationObserver(look);
		let found = false;
		function look() {
			found ||= Boolean(`+expression+`);
			if (found) {
				observer.disconnect();
				resolve(true);
			}
		}
		function lookEachFrame() {
			look();
			if (!found) {
				requestAnimationFrame(lookEachFrame);
			}
		}
		observer.observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		lookEachFrame();
	})`, chromedp.EvalAwaitPromise))
	if err != nil {
		text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		p.mu.Lock()
		defer p.mu.Unlock()
		require.NoError(p.t, err, "%s is never so; the page says:\n%s\n%q", expression, text, p.faults)
	}
}

// awaitText waits until an element reads as the text, or begins with it.
func (p *tab) awaitText(selector, text string) {
	p.t.Helper()
	p.await("document.querySelector(" + quote(selector) + ")?.textContent.startsWith(" + quote(text) + ")")
}

func (p *tab) text(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Text(chromedp.CSS(selector)))
	require.NoError(p.t, err)
	return text
}

func (p *tab) attribute(selector, name string) string {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("document.querySelector("+quote(selector)+").getAttribute("+quote(name)+")"))
	require.NoError(p.t, err)
	return value
}

func (p *tab) click(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	require.NoError(p.t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))))
}

// onNewPage has each page that is opened from now on begin with the script.
func (p *tab) onNewPage(script string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return chromedp.Void{}, err
	})
	require.NoError(p.t, err)
}

func (p *tab) run(script string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Evaluate[chromedp.Void](script))
	require.NoError(p.t, err)
}

func quote(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}
