package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
)

// actorCommand moves accounts and channels between servers. The running server
// sends what it leaves behind.
func actorCommand(file *string) *cobra.Command {
	parent := &cobra.Command{Use: "actor", Short: "Move accounts and channels to other servers"}
	alias := &cobra.Command{
		Use: "alias NAME [ACTOR...]", Args: cobra.MinimumNArgs(1),
		Short: "Say which actors an account or channel is also known as",
		Long: "Say which actors an account or channel is also known as. One elsewhere can move to it\n" +
			"only when it is named here. ACTOR is name@host or an address; without any the list is emptied.",
		RunE: func(c *cobra.Command, args []string) error {
			return withEngine(c.Context(), *file, func(ctx context.Context, e *activitypub.Engine) error {
				return setAliases(ctx, c.OutOrStdout(), e, args[0], args[1:])
			})
		},
	}
	move := &cobra.Command{
		Use: "move NAME ACTOR", Args: cobra.ExactArgs(2),
		Short: "Move an account or channel, with its followers, to another actor",
		Long: "Move an account or channel, with its followers, to another actor, which must name it as\n" +
			"an alias. Videos stay where they are. It cannot move again for seven days.",
		RunE: func(c *cobra.Command, args []string) error {
			return withEngine(c.Context(), *file, func(ctx context.Context, e *activitypub.Engine) error {
				return moveActor(ctx, c.OutOrStdout(), e, args[0], args[1])
			})
		},
	}
	parent.AddCommand(alias, move)
	return parent
}

// withEngine runs a command on the engine of the settings' database.
func withEngine(ctx context.Context, file string, do func(context.Context, *activitypub.Engine) error) (err error) {
	a, err := build(ctx, file, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	if err := a.engine.Prepare(ctx); err != nil {
		return err
	}
	return do(ctx, a.engine)
}

func setAliases(ctx context.Context, out io.Writer, e *activitypub.Engine, name string, others []string) error {
	a, err := e.Actors.ByUsername(ctx, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	ids := make([]string, len(others))
	for i, o := range others {
		other, err := findActor(ctx, e, o)
		if err != nil {
			return err
		}
		ids[i] = other.IRI
	}
	if err := e.SetAliases(ctx, a, ids); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is also known as: %s\n", a.IRI, strings.Join(append(ids, "nothing else")[:max(1, len(ids))], ", "))
	return err
}

func moveActor(ctx context.Context, out io.Writer, e *activitypub.Engine, name, target string) error {
	a, err := e.Actors.ByUsername(ctx, name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	other, err := findActor(ctx, e, target)
	if err != nil {
		return err
	}
	if err := e.Move(ctx, a, other.IRI); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s has moved to %s; its followers are told while the server runs\n", a.IRI, other.IRI)
	return err
}

// findActor finds an actor, ours or remote, by handle or address.
func findActor(ctx context.Context, e *activitypub.Engine, s string) (a *actor.Actor, err error) {
	if strings.Contains(s, "://") {
		a, err = e.Actors.FetchAddress(ctx, s)
	} else if strings.Contains(strings.TrimPrefix(s, "@"), "@") {
		a, err = e.Actors.FetchHandle(ctx, s)
	} else {
		a, err = e.Actors.ByUsername(ctx, s)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	return a, nil
}
