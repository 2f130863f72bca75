// Package flagvalue reads the values of flags. Each type is a pflag.Value with
// bounds; the error of its Set is the second half of a message: "want …".
package flagvalue
