// Package site looks at the site that "make site" makes, in a real browser: no link is dead, no page is wider than a
// telephone or a small screen, nothing comes from another host, and the search finds. Pictures of pages are left in
// bin/site-pictures for people to look at. The package does not know how the site is made. Start reading at Test.
package site
