package supervisor

// oldChange knows the spellings that only old architectures have: none here.
func oldChange(int32) (change, bool) { return change{}, false }
