package seccomp

// native holds the calls that only this architecture has: none.
var native []Group
