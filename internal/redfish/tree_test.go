package redfish

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/shipmi/shipmi/internal/machine"
	"github.com/shipmi/shipmi/internal/provider"
)

// testdata/tree.json is what a client reads of each resource of a BMC whose provider has every
// script. test/libraries has a library decode it. If the file is missing, the test writes it.
func TestTree(t *testing.T) {
	r := withEverything(t, full)
	r.Machine.Update(func(s *machine.State) { s.Media = machine.Media{URL: image, WriteProtected: true} })
	r.does[provider.MediaGet] = machine.Reading{Media: image}
	r.boot(`{"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe", "BootSourceOverrideMode": "UEFI"}`)
	tree := map[string]map[string]any{}
	for path := range resources {
		got := r.get(path)
		require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, got.Status)
		tree[path] = got.Body
		members, _ := got.Body["Members"].([]any)
		for _, member := range members {
			uri := member.(map[string]any)["@odata.id"].(string)
			tree[uri] = r.get(uri).Body
		}
	}
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	require.NoError(t, encoder.Encode(tree))

	const name = "testdata/tree.json"
	kept, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(name, want.Bytes(), 0o644))
		return
	}
	require.NoError(t, err)
	require.Equal(t, want.String(), string(kept), "remove the file and run the test again to accept the change")
}
