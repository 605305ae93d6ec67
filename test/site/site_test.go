//go:build e2e

package site

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const (
	folder   = "../../bin/site"
	pictures = "../../bin/site-pictures"
)

// The widths of a telephone and of a small screen, in CSS pixels.
var widths = []int64{360, 1280}

// pictured are the pages that pictures are taken of.
var pictured = []string{"/index.html", "/docs/architecture.html", "/docs/tutorial-ironic.html", "/docs/providers/README.html", "/docs/providers/libvirt.html"}

// A view is what the browser says about a page.
type view struct {
	Title  string
	Width  int64    // of the whole page, in CSS pixels
	Wide   []string // the elements that are too wide
	Links  []string // absolute URLs
	IDs    []string
	Broken []string // images that cannot be shown
}

const look = `({
	Title: document.title,
	Width: document.documentElement.scrollWidth,
	Wide: [...document.querySelectorAll("main > *")].filter(e => e.getBoundingClientRect().right > innerWidth).map(e => e.outerHTML.slice(0, 200)),
	Links: [...document.querySelectorAll("a[href]")].map(a => a.href),
	IDs: [...document.querySelectorAll("[id]")].map(e => e.id),
	Broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src),
})`

// browser starts Chromium. Whatever it complains about, and whatever it loads from another host, fails the test.
func browser(t *testing.T, origin string) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, origin) {
				t.Errorf("%s loads %s", e.DocumentURL, e.Request.URL)
			}
		case *log.EventEntryAdded:
			t.Errorf("%s: %s", e.Entry.URL, e.Entry.Text)
		case *runtime.EventExceptionThrown:
			t.Errorf("%s: %s", e.ExceptionDetails.URL, e.ExceptionDetails.Text)
		}
	}))
	return ctx
}

// pages returns the paths of all pages, as in "/docs/console.html".
func pages(t *testing.T) []string {
	var all []string
	require.NoError(t, filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".html" {
			all = append(all, strings.TrimPrefix(path, folder))
		}
		return err
	}))
	require.Contains(t, all, "/index.html")
	return all
}

func Test(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	defer server.Close()
	ctx := browser(t, server.URL)
	require.NoError(t, os.MkdirAll(pictures, 0o755))
	views := map[string]view{}
	for _, page := range pages(t) {
		for _, width := range widths {
			require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(server.URL+page)), page)
			v, err := chromedp.Run(ctx, chromedp.Evaluate[view](look))
			require.NoError(t, err, page)
			require.LessOrEqual(t, v.Width, width, "%s: %q", page, v.Wide)
			require.Empty(t, v.Broken, page)
			require.NotContains(t, []string{"", " · ShIPMI"}, v.Title, page)
			views[page] = v
		}
	}
	t.Run("links", func(t *testing.T) { checkLinks(t, server.URL, views) })
	t.Run("search", func(t *testing.T) { search(t, ctx, server.URL+"/docs/console.html", server.URL) })
	for _, page := range pictured {
		for _, width := range widths {
			require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 800), chromedp.Navigate(server.URL+page)), page)
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			require.NoError(t, err, page)
			name := strings.ReplaceAll(strings.TrimSuffix(page[1:], ".html"), "/", "-") + "-" + strconv.FormatInt(width, 10) + ".png"
			require.NoError(t, os.WriteFile(filepath.Join(pictures, name), picture, 0o644))
		}
	}
}

// A link within the site leads to a page and a heading that are there, or to a file. All pages can be reached from the
// first.
func checkLinks(t *testing.T, origin string, views map[string]view) {
	reached := map[string]bool{}
	queue := []string{"/index.html"}
	for len(queue) > 0 {
		page := queue[0]
		queue = queue[1:]
		if reached[page] {
			continue
		}
		reached[page] = true
		for _, link := range views[page].Links {
			target, err := url.Parse(link)
			require.NoError(t, err)
			if !strings.HasPrefix(link, origin) {
				continue
			}
			path := target.Path
			if strings.HasSuffix(path, "/") {
				path += "index.html"
			}
			to, isPage := views[path]
			if isPage {
				queue = append(queue, path)
			} else {
				_, err := os.Stat(folder + path)
				require.NoError(t, err, "%s: %s", page, link)
			}
			if target.Fragment != "" {
				require.Contains(t, to.IDs, target.Fragment, "%s: %s", page, link)
			}
		}
	}
	for page := range views {
		require.True(t, reached[page], "nothing leads to %s", page)
	}
}

// search looks for something on a page, and follows the first result.
func search(t *testing.T, ctx context.Context, page, origin string) {
	require.NoError(t, chromedp.Do(ctx,
		chromedp.Navigate(page),
		chromedp.SendKeys("input[type=search]", "virsh domstate"),
		chromedp.WaitVisible("form li a")))
	text, err := chromedp.Run(ctx, chromedp.Text("form ol"))
	require.NoError(t, err)
	require.Contains(t, text, "virsh domstate")
	first, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("form li a").href`))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(first, origin), first)
	require.NoError(t, chromedp.Do(ctx, chromedp.KeyEvent("\r")))
	require.Eventually(t, func() bool {
		location, err := chromedp.Run(ctx, chromedp.Location())
		return err == nil && location == first
	}, 10*time.Second, 50*time.Millisecond)
}

// The site can be read from a folder, without a server.
func TestFolder(t *testing.T) {
	path, err := filepath.Abs(folder)
	require.NoError(t, err)
	origin := "file://" + path
	search(t, browser(t, origin), origin+"/docs/console.html", origin)
}
