package policy

// A Span is a part of a document: the bytes from Start up to End.
type Span struct{ Start, End int }

// An Object is an object as a document writes it, with its braces.
type Object struct {
	Span
	Members []Member // in the order of the document
}

// A Member is one member of an object.
type Member struct {
	Key    string
	Name   Span // of the key, with its quotes
	Value  Span
	Object *Object // nil where the value is none
}

// Layout tells where the members of a document are written, for those who edit
// it and leave the rest as it is. A document that is no object has none.
func Layout(data []byte) (*Object, bool) {
	root, err := parseJSON(data)
	if err != nil || root.kind != kindObject {
		return nil, false
	}
	return root.layout(), true
}

func (n node) layout() *Object {
	if n.kind != kindObject {
		return nil
	}
	o := &Object{n.span, make([]Member, len(n.members))}
	for i, m := range n.members {
		o.Members[i] = Member{m.key, m.name, m.value.span, m.value.layout()}
	}
	return o
}

// Member finds a member by its key.
func (o *Object) Member(key string) (Member, bool) {
	if o == nil {
		return Member{}, false
	}
	for _, m := range o.Members {
		if m.Key == key {
			return m, true
		}
	}
	return Member{}, false
}
