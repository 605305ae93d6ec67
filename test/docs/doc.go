// Package docs holds the documentation to its word. Every block of the language console is typed into a disposable
// machine (test/docs/run), where it must print what it shows and nothing else, with "…" for what nobody can know in
// advance. With the word "fails" behind its language its commands must fail; with "eventually" they are typed until they
// print what is shown. A block with a path behind its language is written there. What is neither stands in a list with
// the reason, in text_test.go, which also looks at links. The package knows nothing of the code that it documents. Start
// reading with blocks_test.go.
package docs
