package lint

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/provider"
)

func TestLooseURL(t *testing.T) {
	const (
		fine    = ""
		loose   = "not in double quotes"
		another = "lets another shell read it"
	)
	for script, want := range map[string]string{
		`curl "$SHIPMI_MEDIA_URL"`:                        fine,
		`curl -o x "a${SHIPMI_MEDIA_URL##*/}b"`:           fine,
		`url=$SHIPMI_MEDIA_URL; curl "$url"`:              fine,
		`case $SHIPMI_MEDIA_URL in https:*) true ;; esac`: fine,
		`echo ${#SHIPMI_MEDIA_URL}`:                       fine,
		`curl "$(printf %s "$SHIPMI_MEDIA_URL")"`:         fine,
		`ssh host fetch <<E
$SHIPMI_MEDIA_URL
E`: fine,
		`printf "%s\n" "$SHIPMI_MEDIA_URL" | ssh host 'read -r url; fetch "$url"'`: fine,
		`curl '$SHIPMI_MEDIA_URL'`:                                  fine,
		`curl $SHIPMI_MEDIA_URLS`:                                   fine,
		`curl $SHIPMI_MEDIA_URL`:                                    loose,
		`curl ${SHIPMI_MEDIA_URL%%/*}`:                              loose,
		`curl "http://x"$SHIPMI_MEDIA_URL`:                          loose,
		`for u in $SHIPMI_MEDIA_URL; do true; done`:                 loose,
		`x=$(curl $SHIPMI_MEDIA_URL)`:                               loose,
		`if true; then f() { curl $SHIPMI_MEDIA_URL; }; fi`:         loose,
		`curl "$(printf %s $SHIPMI_MEDIA_URL)"`:                     loose,
		`$SHIPMI_MEDIA_URL`:                                         loose,
		`ssh "$host" "fetch $SHIPMI_MEDIA_URL"`:                     another,
		`ssh "$host" fetch "$SHIPMI_MEDIA_URL"`:                     another,
		`eval "fetch $SHIPMI_MEDIA_URL"`:                            another,
		`/bin/sh -c "fetch $SHIPMI_MEDIA_URL"`:                      another,
		`echo ${SHIPMI_MEDIA_URL:+there} ${SHIPMI_MEDIA_URL+there}`: fine,
		`if`: fine,
	} {
		if got := looseURL(script); want == "" {
			require.Empty(t, got, script)
		} else {
			require.Contains(t, got, want, script)
		}
	}
}

func TestExamineURL(t *testing.T) {
	p := load(t, "[POWER]\nstatus = echo on\n[MEDIA]\ninsert = fetch $SHIPMI_MEDIA_URL\neject = true\n")
	found, err := Examine(t.Context(), p, "node-0", nil)
	require.NoError(t, err)
	require.Equal(t, []Finding{
		{Verb: provider.MediaInsert, Text: "$SHIPMI_MEDIA_URL is not in double quotes, and a network client chose its text"},
	}, found)
}
