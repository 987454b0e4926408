// Package web is the server that browsers and other instances talk to: one
// echo server with its limits and headers, the pages rendered by Go templates,
// and the embedded client.
//
// Pages are rendered in two steps: a handler fills a view (plain data, view.go),
// [Pages] writes it. Nothing in a template asks a service. Text is escaped by
// html/template; the only HTML taken as it is are descriptions that went
// through the sanitiser on entry (SEC-37) and the strings built here.
//
// The client's sources are in web/ui; its output in web/dist is committed and
// embedded, so that building the server needs no npm. A test compares
// dist/SOURCE_HASH with the sources.
//
// Imported by: main. Imports video/catalog, accounts, jobs, web/rest.
package web
