package policy

import "strconv"

// permission reads the grants of a manifest.
func (d *decoder) permission(n node, at string) {
	fields := make(map[string]field, len(Capabilities))
	for _, c := range Capabilities {
		fields[c.Flag] = func(n node, at string) { d.capability(c, n, at) }
	}
	d.object(n, at, fields)
}

// capability reads what a manifest grants of one scope.
func (d *decoder) capability(c Capability, n node, at string) {
	switch {
	case n.kind == kindBool && c.Value != Patterns:
		if n.text == "true" {
			d.grant(c.whole(), n)
		}
	case n.kind == kindArray && c.Value != Switch:
		for i, item := range n.items {
			d.element(c, item, at+"/"+strconv.Itoa(i))
		}
	case c.Value == Switch:
		d.fail(n.at, at, "it must be true or false, not %s", n.kind)
	case c.Value == Patterns:
		d.fail(n.at, at, `it must be an array of patterns, not %s: ["*"] grants everything`, n.kind)
	default:
		d.fail(n.at, at, "it must be true, false or an array of strings, not %s", n.kind)
	}
}

func (d *decoder) element(c Capability, n node, at string) {
	value, ok := d.text(n, at)
	if !ok {
		return
	}
	g, texts, err := c.parse(value, d.dir)
	if err != nil {
		d.fail(n.at, at, "%v", err)
		return
	}
	d.warn(n, texts)
	d.grant(g, n)
}

func (d *decoder) grant(g Grant, n node) {
	g.Source = d.source(n)
	d.policy.Grants = append(d.policy.Grants, g)
}
