package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/shipmi/shipmi/internal/instance"
)

// notCompared are the keys that are no settings, or that are compared in another way.
var notCompared = []string{"name", "state", "users", "kg", "kg_file", "keep_kg", "machine_state"}

// Differences returns how a BMC differs from what it was: a text for each key with the value
// before and the value after, and one for each user. The texts contain no secret.
func Differences(before, after BMC, credentialsBefore, credentialsAfter instance.Credentials) []string {
	all := settingDifferences(before, after)
	if credentialsBefore.Kg.Reveal() != credentialsAfter.Kg.Reveal() {
		all = append(all, "kg")
	}
	return append(all, userDifferences(credentialsBefore, credentialsAfter)...)
}

// GatewayDifferences is like [Differences], for the gateway. There are none if it is new or removed.
func GatewayDifferences(before, after *Gateway) []string {
	if before == nil || after == nil {
		return nil
	}
	return settingDifferences(*before, *after)
}

func settingDifferences[T BMC | Gateway](before, after T) (all []string) {
	was, is := reflect.ValueOf(before), reflect.ValueOf(after)
	for f := range is.Type().Fields() {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "" || slices.Contains(notCompared, key) {
			continue
		}
		old, now := value(was.FieldByIndex(f.Index)), value(is.FieldByIndex(f.Index))
		if old != now {
			all = append(all, fmt.Sprintf("%s: %s -> %s", key, cmp.Or(old, "default"), cmp.Or(now, "default")))
		}
	}
	return all
}

// value returns the value of a key as a text, which is empty if the key is left out.
func value(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	switch v := v.Interface().(type) {
	case []string:
		return strings.Join(v, ", ")
	case map[string]string:
		var texts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			texts = append(texts, name+"="+v[name])
		}
		return strings.Join(texts, ", ")
	default:
		return strings.Trim(fmt.Sprint(v), "[]")
	}
}

func userDifferences(before, after instance.Credentials) (all []string) {
	for _, u := range after.Users {
		old, exists := before.User(u.ID)
		if !exists {
			all = append(all, fmt.Sprintf("user %s: added", u.Name))
			continue
		}
		var what []string
		differs := func(name string, different bool) {
			if different {
				what = append(what, name)
			}
		}
		differs("name, which was "+old.Name, old.Name != u.Name)
		differs("password", old.Password.Reveal() != u.Password.Reveal())
		differs("privilege", old.Privilege != u.Privilege)
		differs("access", old.Disabled != u.Disabled || old.NoMessaging != u.NoMessaging || old.NoConsole != u.NoConsole)
		if what != nil {
			all = append(all, fmt.Sprintf("user %s: %s", u.Name, strings.Join(what, ", ")))
		}
	}
	for _, u := range before.Users {
		if _, exists := after.User(u.ID); !exists {
			all = append(all, fmt.Sprintf("user %s: deleted", u.Name))
		}
	}
	return all
}
