package closure

const nativeRow = 0
