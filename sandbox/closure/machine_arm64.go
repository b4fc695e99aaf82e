package closure

const nativeRow = 1
