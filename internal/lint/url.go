package lint

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// urlVariable is the one variable whose text a network client chose.
const urlVariable = "SHIPMI_MEDIA_URL"

// readers are commands whose arguments another shell reads.
var readers = []string{"ssh", "eval", "sh", "bash", "dash", "ksh", "su", "runuser"}

// looseURL says how a script lets a shell read the URL of an image: the URL is not in double
// quotes, so the shell splits it and replaces * and ?, or it is in the text of another script,
// where & and ; end a command. It returns "" if the script does neither.
func looseURL(script string) (fault string) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return "" // the shell says it better
	}
	var above []syntax.Node
	syntax.Walk(file, func(node syntax.Node) bool {
		if node == nil {
			above = above[:len(above)-1]
			return false
		}
		if p, is := node.(*syntax.ParamExp); is && p.Param != nil && p.Param.Value == urlVariable && fault == "" {
			fault = faultOf(above, p)
		}
		above = append(above, node)
		return true
	})
	return fault
}

// faultOf says what is wrong with the place of the URL in a script, given the nodes around it,
// the outermost first.
func faultOf(above []syntax.Node, url *syntax.ParamExp) string {
	if url.Length || url.Exp != nil && (url.Exp.Op == syntax.AlternateUnset || url.Exp.Op == syntax.AlternateUnsetOrNull) {
		return "" // only whether there is a URL, or how long it is
	}
	quoted := false
	for _, node := range slices.Backward(above) {
		switch n := node.(type) {
		case *syntax.DblQuoted, *syntax.Assign, *syntax.CaseClause, *syntax.Redirect, *syntax.TestClause, *syntax.ArithmExp:
			quoted = true
		case *syntax.CallExpr:
			if len(n.Args) > 0 && slices.Contains(readers, path.Base(n.Args[0].Lit())) {
				return "$" + urlVariable + " is in an argument of " + n.Args[0].Lit() + ", which lets another shell read it; " +
					"pass it in the environment or on standard input"
			}
			return looseUnless(quoted)
		}
	}
	return looseUnless(quoted)
}

func looseUnless(quoted bool) string {
	if quoted {
		return ""
	}
	return "$" + urlVariable + " is not in double quotes, and a network client chose its text"
}
