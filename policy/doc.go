// Package policy is the language of sandrun: capabilities, grants, patterns,
// network rules and the manifest that holds them.
//
// It promises that every word is honoured or refused, never ignored; that the
// same words mean the same in a flag and in a manifest; that each grant knows
// where it was written; and that the zero Policy grants nothing. It is pure: it
// opens no file and makes no system call, so it does not know what exists.
// Symbolic links, directories, the search in PATH and the paths of @tmp are the
// caller's; so is the question whether this version can serve a grant.
package policy
