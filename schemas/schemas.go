// Package schemas holds the JSON schema of the manifest. Editors complete and
// check by it; sandrun itself decides by the strict decoder of package policy,
// and a test holds the two to the same verdicts.
package schemas

import _ "embed"

// Policy is the schema of a manifest, JSON Schema draft 2020-12.
//
//go:embed policy.schema.json
var Policy string
