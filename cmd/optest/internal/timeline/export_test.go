package timeline

// Columns is for tests of the width.
var Columns = columns
