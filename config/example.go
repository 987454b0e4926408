package config

import _ "embed"

//go:generate go test -run TestExampleFile -update .

//go:embed kinemesh.example.yaml
var example []byte

// Example returns a file with every key, its comment and its default.
func Example() []byte { return example }
