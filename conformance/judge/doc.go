// Package judge judges the judge: it holds the rules and the traffic of package
// conformance to servers of which it is known what they do. Healthy ones, odd as
// they are, must not be accused; of broken ones, each must be accused by the rule
// that it breaks. That goes for what a driver has seen of them as for what others
// have that watch clients such as people write, and for parts of it.
//
// `make judge` prints what comes of it and writes docs/judge.md.
package judge
