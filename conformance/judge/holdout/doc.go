// Package holdout has servers that break the contract as servers have been seen to
// do. They were not written for any rule, nor were rules written for them: how many
// of them a suite notices says what it is worth to those who have yet to make their
// mistakes.
//
// Each is the honest service with one mistake, a function named by its effect.
package holdout
