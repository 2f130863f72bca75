// Package zoo has servers that keep the contract and are odd all the same. A suite
// that accuses one of them is wrong.
//
// Most are the honest service, changed in one respect: what is odd about a server
// is a function of its own, named by its effect.
package zoo
