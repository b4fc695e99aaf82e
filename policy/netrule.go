package policy

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A NetKind is what a network rule is about.
type NetKind uint8

// The kinds of network rules. The zero NetKind is no rule.
const (
	NetConnect    NetKind = iota + 1 // HOST:PORT and its kin, also udp://
	NetListen                        // listen:PORT, listen:IP:PORT
	NetUnix                          // unix:PATTERN, connect to sockets by path
	NetUnixListen                    // unix-listen:PATH, make a socket
	NetDNS                           // dns, look names up
)

// Ports is a range of ports, both ends included. The zero value is every port.
type Ports struct{ First, Last uint16 }

// A NetRule is one rule of --allow-net. Where neither Host nor Block is set, any
// host is meant.
type NetRule struct {
	Kind       NetKind
	UDP        bool   // else TCP
	Host       string // a name in lower case
	Subdomains bool   // the names below Host, not Host itself
	Block      Block  // an address or a block of addresses
	Ports      Ports
	Pattern    Pattern // of the sockets of unix: and unix-listen:
}

// parseRule reads a network rule.
func parseRule(value, base string) (NetRule, []string, error) {
	switch {
	case value == "":
		return NetRule{}, nil, errors.New("a rule must not be empty")
	case strings.Contains(value, "\x00"):
		return NetRule{}, nil, errZero
	case value == "*":
		return NetRule{}, nil, errors.New("leave the value out (in a manifest: true) to allow the whole network")
	case value == "dns":
		return NetRule{Kind: NetDNS}, nil, nil
	}
	if rest, ok := strings.CutPrefix(value, "unix:"); ok {
		p, texts, err := parsePattern(rest, base)
		return NetRule{Kind: NetUnix, Pattern: p}, texts, err
	}
	if rest, ok := strings.CutPrefix(value, "unix-listen:"); ok {
		return parseUnixListen(rest, base)
	}
	if rest, ok := strings.CutPrefix(value, "listen:"); ok {
		r, err := parseListen(rest)
		return r, nil, err
	}
	rest, udp := strings.CutPrefix(value, "udp://")
	r, err := parseConnect(rest)
	r.UDP = udp
	return r, nil, err
}

// parseUnixListen reads the path of a socket that is made: exactly one.
func parseUnixListen(value, base string) (NetRule, []string, error) {
	p, texts, err := parsePattern(value, base)
	if err == nil && (p.Kind != Path || p.Dir) {
		err = errors.New("unix-listen: takes the path of one socket, no pattern")
	}
	return NetRule{Kind: NetUnixListen, Pattern: p}, texts, err
}

// parseListen reads PORT or IP:PORT.
func parseListen(value string) (NetRule, error) {
	r := NetRule{Kind: NetListen}
	host, ports, hasHost, err := cutPorts(value)
	switch {
	case err != nil:
		return r, err
	case !hasHost:
		r.Ports, err = parsePorts(value)
		return r, err
	case ports == "":
		return r, errors.New("listen: needs a port: listen:PORT or listen:IP:PORT")
	}
	if r.Ports, err = parsePorts(ports); err != nil {
		return r, err
	}
	if r.Block, err = parseBlock(host); err != nil {
		return r, err
	}
	if !r.Block.IsValid() || strings.Contains(host, "/") {
		return r, fmt.Errorf("%q: listen: takes one address or none", host)
	}
	return r, nil
}

// parseConnect reads a host with or without ports.
func parseConnect(value string) (NetRule, error) {
	r := NetRule{Kind: NetConnect}
	if scheme, _, ok := strings.Cut(value, "://"); ok {
		return r, fmt.Errorf("a rule is HOST or HOST:PORT, TCP unless it begins with udp://: leave %q out", scheme+"://")
	}
	host, ports, hasHost, err := cutPorts(value)
	if err != nil {
		return r, err
	}
	if !hasHost {
		host, ports = value, ""
	}
	if ports != "" {
		if r.Ports, err = parsePorts(ports); err != nil {
			return r, err
		}
	}
	if host == "*" {
		if ports == "" {
			return r, errors.New("any host on any port is no rule: name a port, as in *:443")
		}
		return r, nil
	}
	if r.Block, err = parseBlock(host); err != nil || r.Block.IsValid() {
		return r, err
	}
	r.Host = strings.ToLower(host)
	switch r.Host {
	case "listen", "unix", "unix-listen", "dns":
		return r, fmt.Errorf("%q begins another kind of rule and cannot be a host here", host)
	}
	r.Host, r.Subdomains = strings.CutPrefix(r.Host, "*.")
	return r, checkHost(r.Host)
}

// cutPorts cuts HOST:PORTS. Without a colon there is no host to tell from ports.
// An IPv6 address has brackets, which stay; a block of them is [ADDRESS]/BITS.
func cutPorts(value string) (host, ports string, hasHost bool, err error) {
	from := 0
	if strings.HasPrefix(value, "[") {
		if from = strings.IndexByte(value, ']'); from < 0 {
			return "", "", false, errors.New("a bracket is not closed")
		}
	}
	host, ports, colon := strings.Cut(value[from:], ":")
	host = value[:from] + host
	switch {
	case strings.Contains(ports, ":"):
		return "", "", false, errors.New("an IPv6 address needs brackets, as in [::1]:443")
	case colon && (ports == "" || host == ""):
		return "", "", false, errors.New("HOST:PORT needs both; without a port leave the colon out")
	}
	return host, ports, colon || from > 0, nil
}

// parsePorts reads PORT or FIRST-LAST.
func parsePorts(value string) (Ports, error) {
	first, last, isRange := strings.Cut(value, "-")
	var r Ports
	var err error
	if r.First, err = parsePort(first); err != nil {
		return Ports{}, err
	}
	r.Last = r.First
	if isRange {
		if r.Last, err = parsePort(last); err != nil {
			return Ports{}, err
		}
	}
	if r.Last < r.First {
		return Ports{}, fmt.Errorf("the range of ports %q ends before it begins", value)
	}
	return r, nil
}

func parsePort(value string) (uint16, error) {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n == 0 || value[0] == '0' || value[0] == '+' {
		return 0, fmt.Errorf("the port %q must be a number from 1 to 65535", value)
	}
	return uint16(n), nil
}

// parseBlock reads an address or a block of addresses. What can only be a name
// gives an invalid prefix and no error.
func parseBlock(host string) (Block, error) {
	address, bits, isBlock := strings.Cut(host, "/")
	inner, bracketed := strings.CutPrefix(address, "[")
	if bracketed {
		if !strings.HasSuffix(inner, "]") {
			return Block{}, fmt.Errorf("%q: what is in brackets is an address, and only /BITS or :PORT can follow", host)
		}
		address = inner[:len(inner)-1]
	}
	b, ok := parseAddress(address)
	switch {
	case !ok && !bracketed && !isBlock:
		return Block{}, nil
	case bracketed && (!ok || !b.Is6()):
		return Block{}, fmt.Errorf("%q: brackets hold an IPv6 address without a zone, as in [2001:db8::1]", host)
	case !ok, !bracketed && b.Is6():
		return Block{}, fmt.Errorf("%q is no address: 192.0.2.1, 192.0.2.0/24, [2001:db8::1] and [2001:db8::]/32 are", host)
	}
	if inner, hidden := b.hidden(); hidden {
		return Block{}, fmt.Errorf("%q is an IPv4 address in disguise: write %s", host, inner)
	}
	if !isBlock {
		return b, nil
	}
	n, err := strconv.ParseUint(bits, 10, 8)
	if err != nil || n > uint64(b.bits) || len(bits) > 1 && bits[0] == '0' {
		return Block{}, fmt.Errorf("%q: the bits of a block are a number from 0 to %d", host, b.bits)
	}
	b.bits = uint8(n)
	if m := b.masked(); m != b {
		return Block{}, fmt.Errorf("%q has bits beyond its prefix: the block is %s", host, m)
	}
	return b, nil
}

// checkHost judges a name in lower case as RFC 1123 does, underscores allowed.
func checkHost(host string) error {
	if len(host) > 253 {
		return errors.New("the name of a host has at most 253 characters")
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, hostCharacters) != "" {
			return fmt.Errorf("%q is no name of a host, no address and no rule", host)
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" {
		// Such names are what some resolvers take for an address (127.1).
		return fmt.Errorf("%q is no address: an IPv4 address has four numbers", host)
	}
	return nil
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyz0123456789-_"

func (r NetRule) compare(o NetRule) int {
	return cmp.Or(
		cmp.Compare(r.Kind, o.Kind), compareBool(r.UDP, o.UDP),
		strings.Compare(r.Host, o.Host), compareBool(r.Subdomains, o.Subdomains), r.Block.compare(o.Block),
		cmp.Compare(r.Ports.First, o.Ports.First), cmp.Compare(r.Ports.Last, o.Ports.Last), r.Pattern.compare(o.Pattern),
	)
}
