package supervisor

// oldMetadataCall knows the spellings that only old architectures have; arm64
// has none of them.
func oldMetadataCall(int32) (call, bool) { return call{}, false }
