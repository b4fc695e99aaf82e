package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"sandrun/policy"
)

// A pin is a digest for a resource.
type pin struct{ key, digest string }

// An edit puts a text in the place of a part of a document.
type edit struct {
	policy.Span
	text string
}

// repin returns a valid document with other digests. Resources that it does not
// list are added at the end. Everything else stays as it is, byte for byte; what
// is added is written as what stands there.
func repin(data []byte, pins []pin) []byte {
	d := document{text: string(data)}
	d.root, _ = policy.Layout(data)
	member, _ := d.root.Member("resources")
	listed := map[string]policy.Span{}
	if member.Object != nil {
		for _, m := range member.Object.Members {
			value, _ := m.Object.Member("integrity")
			listed[m.Key] = value.Value
		}
	}
	var edits []edit
	var added []pin
	for _, p := range pins {
		if at, ok := listed[p.key]; ok {
			edits = append(edits, edit{at, quote(p.digest)})
		} else {
			added = append(added, p)
		}
	}
	if len(added) > 0 {
		edits = append(edits, d.add(added, member.Object))
	}
	return apply(d.text, edits)
}

// apply carries out edits that do not overlap.
func apply(text string, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.Start, b.Start) })
	var b bytes.Buffer
	done := 0
	for _, e := range edits {
		b.WriteString(text[done:e.Start] + e.text)
		done = e.End
	}
	b.WriteString(text[done:])
	return b.Bytes()
}

// quote writes a text as JSON.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can be encoded, and a builder written
	return strings.TrimSuffix(b.String(), "\n")
}

// A document is a text, and where its members stand.
type document struct {
	text string
	root *policy.Object
}

func (d document) part(start, end int) string { return d.text[start:end] }

// add lists resources behind those that are listed.
func (d document) add(pins []pin, resources *policy.Object) edit {
	switch {
	case resources != nil && len(resources.Members) > 0:
		last := resources.Members[len(resources.Members)-1]
		separator, text := d.separator(resources), ""
		for _, p := range pins {
			text += separator + d.like(last, p)
		}
		return after(last, text)
	case resources != nil:
		return edit{resources.Span, d.style().object(pins)}
	case len(d.root.Members) > 0:
		last := d.root.Members[len(d.root.Members)-1]
		s := d.style()
		return after(last, d.separator(d.root)+`"resources":`+s.blank+s.object(pins))
	}
	return edit{d.root.Span, "{\n  \"resources\": " + style{"\n", "  ", " "}.object(pins) + "\n}"}
}

func after(m policy.Member, text string) edit {
	return edit{policy.Span{Start: m.Value.End, End: m.Value.End}, text}
}

// separator is what stands, or would stand, between the last two members.
func (d document) separator(o *policy.Object) string {
	n := len(o.Members)
	if n > 1 {
		return d.part(o.Members[n-2].Value.End, o.Members[n-1].Name.Start)
	}
	lead := d.part(o.Start+1, o.Members[0].Name.Start)
	if lead == "" {
		lead = d.blank(o.Members[0])
	}
	return "," + lead
}

// blank is what stands after the colon of a member.
func (d document) blank(m policy.Member) string {
	_, blank, _ := strings.Cut(d.part(m.Name.End, m.Value.Start), ":")
	if strings.ContainsAny(blank, "\r\n") {
		return " "
	}
	return blank
}

// like writes a resource as another one is written.
func (d document) like(m policy.Member, p pin) string {
	value, _ := m.Object.Member("integrity")
	return quote(p.key) + d.part(m.Name.End, value.Value.Start) + quote(p.digest) + d.part(value.Value.End, m.Value.End)
}

// A style is how a document is written: newline is "" where it is one line.
type style struct{ newline, indent, blank string }

// style is taken from the first member of the document.
func (d document) style() style {
	first := d.root.Members[0]
	lead := d.part(d.root.Start+1, first.Name.Start)
	s := style{blank: d.blank(first)}
	if i := strings.LastIndexByte(lead, '\n'); i >= 0 {
		s.newline, s.indent = "\n", lead[i+1:]
		if strings.HasSuffix(lead[:i], "\r") {
			s.newline = "\r\n"
		}
	}
	return s
}

// object writes the value of "resources", a member of the document.
func (s style) object(pins []pin) string {
	lines := make([]string, len(pins))
	for i, p := range pins {
		lines[i] = quote(p.key) + ":" + s.blank + `{"integrity":` + s.blank + quote(p.digest) + "}"
	}
	if s.newline == "" {
		return "{" + strings.Join(lines, ","+s.blank) + "}"
	}
	lead := s.newline + s.indent + s.indent
	return "{" + lead + strings.Join(lines, ","+lead) + s.newline + s.indent + "}"
}
