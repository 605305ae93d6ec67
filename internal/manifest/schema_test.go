package manifest

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A schema is the part of the JSON schema that the types must agree with.
type schema struct {
	Type                 any
	Properties           map[string]schema
	Required             []string
	AdditionalProperties any
	Items                *schema
	Ref                  string `json:"$ref"`
}

// The JSON schema has the keys and types of the Go types, and no others. A key is required if
// it is never left out.
func TestSchema(t *testing.T) {
	text, err := os.ReadFile("../../contrib/schema/fleet.schema.json")
	require.NoError(t, err)
	var root schema
	require.NoError(t, json.Unmarshal(text, &root))
	var defs struct {
		Defs map[string]schema `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &defs))
	var agree func(path string, s schema, of reflect.Type)
	agree = func(path string, s schema, of reflect.Type) {
		if s.Ref != "" {
			s = defs.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		}
		kinds := map[reflect.Kind]string{
			reflect.Struct: "object", reflect.Map: "object", reflect.Interface: "object", reflect.Slice: "array",
			reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean",
		}
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		types, several := s.Type.([]any)
		if !several {
			types = []any{s.Type}
		}
		require.Contains(t, types, kinds[of.Kind()], path)
		switch of.Kind() {
		case reflect.Slice:
			agree(path+"[]", *s.Items, of.Elem())
		case reflect.Struct:
			require.Equal(t, false, s.AdditionalProperties, path)
			var keys, required []string
			for f := range of.Fields() {
				key, option, _ := strings.Cut(f.Tag.Get("json"), ",")
				if key == "" {
					continue
				}
				keys = append(keys, key)
				if option == "" {
					required = append(required, key)
				}
				require.Contains(t, s.Properties, key, path)
				agree(path+"."+key, s.Properties[key], f.Type)
			}
			require.Len(t, s.Properties, len(keys), "%s: want %v", path, keys)
			slices.Sort(required)
			slices.Sort(s.Required)
			require.Equal(t, required, s.Required, path)
		}
	}
	agree("", root, reflect.TypeFor[File]())
}
