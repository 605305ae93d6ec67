package manifest

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/shipmi/shipmi/internal/hint"
	"github.com/shipmi/shipmi/internal/instance"
)

// A place is where something is in a document. Lines and columns are counted from 1.
type place struct {
	file         string
	line, column int
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.column) }

// placed is where a part of a document and the values of its keys are.
type placed struct {
	at   place
	keys map[string]place
}

// has reports whether a key has a value.
func (p placed) has(key string) bool { _, is := p.keys[key]; return is }

func (p *placed) put(at place, keys map[string]place) { p.at, p.keys = at, keys }

// wrong returns an error about the value of a key, or about the whole if the key is not there.
func (p placed) wrong(key string, err error) error {
	at, is := p.keys[key]
	if !is {
		at = p.at
	}
	return fmt.Errorf("%v: %s: %w", at, key, err)
}

// Read reads a document. Errors name the file as it is called. They contain no values, which may
// be secrets.
func Read(r io.Reader, name string) (File, error) {
	var f File
	d := yaml.NewDecoder(r)
	var document, second yaml.Node
	switch err := d.Decode(&document); {
	case errors.Is(err, io.EOF):
		return f, fmt.Errorf("%s: it is empty, want version and bmcs", name)
	case err != nil:
		return f, fmt.Errorf("%s:%s", name, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "line "))
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return f, fmt.Errorf("%s: want one document, there is a second one", name)
	}
	reader := reader{file: name}
	reader.value(document.Content[0], reflect.ValueOf(&f).Elem())
	if reader.errs == nil {
		reader.check(&f, document.Content[0])
	}
	return f, errors.Join(reader.errs...)
}

// A reader collects the mistakes in a document.
type reader struct {
	file string
	errs []error
}

func (r *reader) place(n *yaml.Node) place { return place{r.file, n.Line, n.Column} }

func (r *reader) wrong(n *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%v: %w", r.place(n), fmt.Errorf(format, args...)))
}

// value reads a node into a value. null leaves a value that is no struct as it is.
func (r *reader) value(n *yaml.Node, into reflect.Value) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.ShortTag() == "!!null" && into.Kind() != reflect.Struct {
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		r.object(n, into)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			r.wrong(n, "want a list")
			return
		}
		for _, item := range n.Content {
			element := reflect.New(into.Type().Elem()).Elem()
			r.value(item, element)
			into.Set(reflect.Append(into, element))
		}
	case reflect.Map:
		fields := r.fields(n, 0)
		if fields != nil {
			into.Set(reflect.MakeMap(into.Type()))
		}
		for _, f := range fields {
			var text string
			r.value(f.value, reflect.ValueOf(&text).Elem())
			into.SetMapIndex(reflect.ValueOf(f.key.Value), reflect.ValueOf(text))
		}
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.value(n, into.Elem())
	case reflect.Interface:
		if err := n.Decode(into.Addr().Interface()); err != nil {
			r.wrong(n, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
		}
	default:
		r.scalar(n, into)
	}
}

func (r *reader) scalar(n *yaml.Node, into reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		r.wrong(n, "want one value")
		return
	}
	switch into.Kind() {
	case reflect.Bool:
		if n.Decode(into.Addr().Interface()) != nil {
			r.wrong(n, "want true or false")
		}
	case reflect.Int:
		number, err := strconv.ParseInt(n.Value, 10, 32)
		if err != nil {
			r.wrong(n, "want a whole number")
		}
		into.SetInt(number)
	default:
		into.SetString(n.Value) // whatever YAML takes it for: a password may be 0123
	}
}

// A field is a key and its value.
type field struct{ key, value *yaml.Node }

const maxMerges = 8 // in one another

// fields returns the fields of a mapping, with those that "<<" adds before the others.
func (r *reader) fields(n *yaml.Node, depth int) (fields []field) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode || depth > maxMerges {
		r.wrong(n, "want keys with values")
		return nil
	}
	own := make(map[string]bool)
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.wrong(key, "want a text as the key")
		case key.ShortTag() == "!!merge" && value.Kind == yaml.SequenceNode:
			for _, merged := range value.Content { // the first takes precedence
				fields = append(r.fields(merged, depth+1), fields...)
			}
		case key.ShortTag() == "!!merge":
			fields = append(r.fields(value, depth+1), fields...)
		case own[key.Value]:
			r.wrong(key, "the key is there twice: %s", key.Value)
		default:
			own[key.Value] = true
			fields = append(fields, field{key, value})
		}
	}
	return fields
}

// extension is the beginning of keys of the document that are ignored, for what several BMCs
// have in common.
const extension = "x-"

// object reads a mapping into a struct.
func (r *reader) object(n *yaml.Node, into reflect.Value) {
	known := fieldsOf(into.Type())
	keys := make(map[string]place)
	for _, f := range r.fields(n, 0) {
		index, is := known[f.key.Value]
		switch {
		case is:
			if f.value.ShortTag() != "!!null" {
				keys[f.key.Value] = r.place(f.value)
			}
			target := into.FieldByIndex(index)
			target.SetZero() // a merged value is replaced as a whole
			r.value(f.value, target)
		case into.Type() == reflect.TypeFor[File]() && strings.HasPrefix(f.key.Value, extension):
		default:
			names := make([]string, 0, len(known))
			for name := range known {
				names = append(names, name)
			}
			slices.Sort(names)
			r.wrong(f.key, "%w", hint.Meant(fmt.Errorf("unknown key %q", f.key.Value), hint.Similar(f.key.Value, names)))
		}
	}
	if p, is := into.Addr().Interface().(interface {
		put(place, map[string]place)
	}); is {
		p.put(r.place(n), keys)
	}
}

// fieldsOf returns the fields of a struct by the keys of a document.
func fieldsOf(t reflect.Type) map[string][]int {
	known := make(map[string][]int)
	for f := range t.Fields() {
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" {
			known[key] = f.Index
		}
	}
	return known
}

// check finds the mistakes that do not depend on a host.
func (r *reader) check(f *File, n *yaml.Node) {
	if f.Version != Version {
		r.wrong(n, "%w", hint.Add(fmt.Errorf("version %d: want %d", f.Version, Version), "begin the file with: version: %d", Version))
		return
	}
	if g := f.Gateway; g != nil {
		switch g.State {
		case "":
			g.State = Started
		case Started, Absent:
		default:
			r.errs = append(r.errs, g.wrong("state", fmt.Errorf("want %s or %s", Started, Absent)))
		}
	}
	seen := make(map[string]place)
	for i := range f.BMCs {
		b := &f.BMCs[i]
		if err := instance.CheckName(b.Name); err != nil {
			r.errs = append(r.errs, b.wrong("name", err))
			continue
		}
		if first, twice := seen[b.Name]; twice {
			r.errs = append(r.errs, b.wrong("name", fmt.Errorf("%q is in the file twice, first at %v", b.Name, first)))
		}
		seen[b.Name] = b.at
		switch b.State {
		case "":
			b.State = Started
		case Started, Stopped, Present, Absent:
		default:
			r.errs = append(r.errs, b.wrong("state", fmt.Errorf("want %s, %s, %s or %s", Started, Stopped, Present, Absent)))
		}
	}
}
