package catalog

import "github.com/kinemesh/kinemesh/config/db"

type lists struct{}

func newLists(*db.DB) *lists { return &lists{} }

type viewCounter struct{}

func newViewCounter() *viewCounter { return &viewCounter{} }
func problem(err error) error      { return err }
