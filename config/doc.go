// Package config holds every setting of the server in one struct, [Config].
//
// Settings come from three places, the later ones winning: the defaults of
// [Default], one YAML file (JSON is YAML), and environment variables named
// KINEMESH_ plus the key in capitals, with every dot written as an underscore:
// database.url is KINEMESH_DATABASE_URL. Keys are named as in PeerTube's
// production.yaml, so that such a file loads.
//
// An unknown key is a warning. A wrong value is an error that names the key,
// the value and what is allowed. Values of type [Secret] print as [redacted].
//
// The comment of a field is the documentation of its key:
// kinemesh.example.yaml is generated from the comments and the defaults, see
// TestExampleFile.
//
// The package imports no other package of the project.
package config
