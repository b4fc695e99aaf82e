package policy_test

import (
	"strings"
	"testing"

	"sandrun/policy"
)

func TestNetRules(t *testing.T) {
	block := policy.MustParseBlock
	socket := func(path string) policy.Pattern { return policy.Pattern{Kind: policy.Path, Path: path} }
	for value, want := range map[string]policy.NetRule{
		"example.com":                   {Kind: policy.NetConnect, Host: "example.com"},
		"Example.COM:443":               {Kind: policy.NetConnect, Host: "example.com", Ports: policy.Ports{First: 443, Last: 443}},
		"*.example.com:443":             {Kind: policy.NetConnect, Host: "example.com", Subdomains: true, Ports: policy.Ports{First: 443, Last: 443}},
		"*:443":                         {Kind: policy.NetConnect, Ports: policy.Ports{First: 443, Last: 443}},
		"localhost:8000-8010":           {Kind: policy.NetConnect, Host: "localhost", Ports: policy.Ports{First: 8000, Last: 8010}},
		"a_b.c-d:1":                     {Kind: policy.NetConnect, Host: "a_b.c-d", Ports: policy.Ports{First: 1, Last: 1}},
		"3com":                          {Kind: policy.NetConnect, Host: "3com"},
		"192.0.2.1":                     {Kind: policy.NetConnect, Block: block("192.0.2.1")},
		"192.0.2.1:65535":               {Kind: policy.NetConnect, Block: block("192.0.2.1"), Ports: policy.Ports{First: 65535, Last: 65535}},
		"10.0.0.0/8:80":                 {Kind: policy.NetConnect, Block: block("10.0.0.0/8"), Ports: policy.Ports{First: 80, Last: 80}},
		"0.0.0.0/0":                     {Kind: policy.NetConnect, Block: block("0.0.0.0/0")},
		"[::1]:443":                     {Kind: policy.NetConnect, Block: block("[::1]"), Ports: policy.Ports{First: 443, Last: 443}},
		"[2001:DB8::]/32":               {Kind: policy.NetConnect, Block: block("[2001:db8::]/32")},
		"[2001:db8::]/32:1-65535":       {Kind: policy.NetConnect, Block: block("[2001:db8::]/32"), Ports: policy.Ports{First: 1, Last: 65535}},
		"udp://*:53":                    {Kind: policy.NetConnect, UDP: true, Ports: policy.Ports{First: 53, Last: 53}},
		"udp://[::1]:53":                {Kind: policy.NetConnect, UDP: true, Block: block("[::1]"), Ports: policy.Ports{First: 53, Last: 53}},
		"listen:8080":                   {Kind: policy.NetListen, Ports: policy.Ports{First: 8080, Last: 8080}},
		"listen:8000-8010":              {Kind: policy.NetListen, Ports: policy.Ports{First: 8000, Last: 8010}},
		"listen:127.0.0.1:80":           {Kind: policy.NetListen, Block: block("127.0.0.1"), Ports: policy.Ports{First: 80, Last: 80}},
		"listen:[::1]:80":               {Kind: policy.NetListen, Block: block("[::1]"), Ports: policy.Ports{First: 80, Last: 80}},
		"unix:a.sock":                   {Kind: policy.NetUnix, Pattern: socket("/w/a.sock")},
		"unix:/run/x*":                  {Kind: policy.NetUnix, Pattern: policy.Pattern{Kind: policy.Prefix, Path: "/run/x"}},
		"unix:*":                        {Kind: policy.NetUnix, Pattern: policy.Pattern{Kind: policy.Everything}},
		"unix-listen:../a.sock":         {Kind: policy.NetUnixListen, Pattern: socket("/a.sock")},
		"dns":                           {Kind: policy.NetDNS},
		"dns.example":                   {Kind: policy.NetConnect, Host: "dns.example"},
		"*.dns":                         {Kind: policy.NetConnect, Host: "dns", Subdomains: true},
		strings.Repeat("a", 63):         {Kind: policy.NetConnect, Host: strings.Repeat("a", 63)},
		strings.Repeat("a.", 126) + "a": {Kind: policy.NetConnect, Host: strings.Repeat("a.", 126) + "a"},
	} {
		g, _, err := one(netFlag, value, "/w")
		if err != nil || g.Rule != want || g.All {
			t.Errorf("%q: got %+v, %v; want %+v", value, g.Rule, err, want)
		}
	}
}

// Each refusal names the fault; the corpus of manifests has the whole list.
func TestNetRulesAreRefused(t *testing.T) {
	for value, text := range map[string]string{
		"*": "leave the value out", "udp://*": "name a port", "h:0": "1 to 65535", "h:65537": "1 to 65535", "h:9-8": "ends before",
		"http://h": `leave "http://" out`, "::1": "brackets", "[::1": "not closed", "10.1.0.0/8": "10.0.0.0/8", "[fd00::1]/8:1": "[fd00::]/8",
		"[::ffff:1.2.3.4]": "1.2.3.4", "127.1": "four numbers", "0x7f.1": "four numbers", "*.1": "four numbers", "a.*": "no name", "bücher.de": "no name",
		"listen:0": "1 to 65535", "listen:a:1": "one address", "listen:[::1]": "needs a port", "unix:": "empty", "unix-listen:@tmp": "no pattern",
		"dns:53": "another kind", "[1.2.3.4]:1": "brackets hold", "[fe80::1%e]": "brackets hold", "a/8": "no address", "[::1]/129": "0 to 128", "1.2.3.4/": "0 to 32", "1.2.3.4/+8": "0 to 32",
		strings.Repeat("a.", 127) + "a": "253 characters", strings.Repeat("a", 64): "no name",
	} {
		g, _, err := one(netFlag, value, "/w")
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: got %+v, %v; want an error with %q", value, g.Rule, err, text)
		}
	}
}

// FuzzNetRule holds what is true of every rule that is accepted.
func FuzzNetRule(f *testing.F) {
	for _, seed := range []string{"a.b:1-2", "*.a", "[::1]/128:9", "10.0.0.0/8", "udp://*:1", "listen:[::]:1", "unix:@tmp", "unix-listen:a", "dns", "1.2.3.4:080"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		g, _, err := one(netFlag, value, "/w")
		if err != nil {
			return
		}
		r := g.Rule
		if r.Ports.First > r.Ports.Last || (r.Ports.First == 0) != (r.Ports.Last == 0) {
			t.Fatalf("%q: ports %+v", value, r.Ports)
		}
		if r.Kind == policy.NetConnect && r.Host == "" && !r.Block.IsValid() && r.Ports.First == 0 {
			t.Fatalf("%q: any host on any port", value)
		}
		if r.Host != "" && (r.Block.IsValid() || strings.ToLower(r.Host) != r.Host || strings.ContainsAny(r.Host, "*:/[]@ \x00")) {
			t.Fatalf("%q: host %+v", value, r)
		}
		if r.Block.IsValid() && policy.MustParseBlock(r.Block.String()) != r.Block {
			t.Fatalf("%q: block %v", value, r.Block)
		}
		if (r.Pattern.Kind != 0) != (r.Kind == policy.NetUnix || r.Kind == policy.NetUnixListen) {
			t.Fatalf("%q: %+v", value, r)
		}
		checkGrant(t, policy.Grant{Value: value, Pattern: r.Pattern})
	})
}
