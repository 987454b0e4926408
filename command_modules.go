package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kinemesh/kinemesh/activitypub"
)

// addCommands hangs up the subcommands that modules bring, each below its
// group. They are known before anything is opened, so that their help costs
// nothing.
func addCommands(root *cobra.Command, file *string, commands []activitypub.Command) {
	groups := map[string]*cobra.Command{}
	for _, c := range commands {
		parent, name := root, c.Use
		if group, rest, ok := strings.Cut(c.Use, " "); ok {
			if groups[group] == nil {
				groups[group] = &cobra.Command{Use: group, Short: about(group), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
				root.AddCommand(groups[group])
			}
			parent, name = groups[group], rest
		}
		flags := flag.NewFlagSet(c.Use, flag.ContinueOnError)
		if c.Flags != nil {
			c.Flags(flags)
		}
		sub := &cobra.Command{
			Use: strings.TrimSpace(name + " " + c.Operands), Short: c.Short, Long: c.Long, Args: cobra.ArbitraryArgs, // Run knows which it takes
			RunE: func(cmd *cobra.Command, args []string) error {
				return runCommand(cmd.Context(), *file, c.Use, flags, cmd.OutOrStdout(), args)
			},
		}
		sub.Flags().AddGoFlagSet(flags)
		parent.AddCommand(sub)
	}
}

// about says what the subcommands of a group do.
func about(group string) string {
	switch group {
	case "user":
		return "Make users and look after them"
	case "follow":
		return "Follow other servers"
	}
	return "Look at and mend the " + group
}

// runCommand runs a module's subcommand on the assembled server.
func runCommand(ctx context.Context, file, use string, given *flag.FlagSet, out io.Writer, args []string) (err error) {
	a, err := build(ctx, file, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	for _, m := range a.engine.Modules() {
		for _, c := range m.Commands {
			if c.Use != use {
				continue
			}
			flags := flag.NewFlagSet(use, flag.ContinueOnError)
			if c.Flags != nil {
				c.Flags(flags)
			}
			var errs []error
			flags.VisitAll(func(f *flag.Flag) { errs = append(errs, f.Value.Set(given.Lookup(f.Name).Value.String())) })
			if err := errors.Join(errs...); err != nil {
				return err
			}
			return c.Run(ctx, out, args)
		}
	}
	return fmt.Errorf("no module brings the command %s", use)
}
