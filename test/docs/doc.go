// Package docs holds the documentation to its word. Every block of the language console is typed into a disposable
// machine (test/docs/run), where it must print exactly the text in the block, with "…" for text that differs from
// run to run. With the word "fails" behind its language its commands must fail; with "eventually" they are typed until they
// print what is shown. A block with a path behind its language is written there. All other blocks are in a list with
// the reason, in text_test.go, which also checks links. The package does not know the code that it documents. Start
// reading with blocks_test.go.
package docs
