package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// dialer connects to a host after looking at every address it resolves to,
// and lets the guard see the address of the socket once more, so that a
// resolver that changes its mind gains nothing (SEC-23).
type dialer struct {
	guard  Guard
	ports  map[int]bool
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	net    net.Dialer
}

func newDialer(c Config) *dialer {
	d := &dialer{guard: Guard{Allow: c.AllowNetworks}, ports: map[int]bool{80: true, 443: true}, lookup: c.Lookup}
	for _, p := range c.Ports {
		d.ports[p] = true
	}
	if d.lookup == nil {
		d.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	d.net = net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second, ControlContext: d.control}
	return d
}

// control runs on the socket, after resolution and before connect.
func (d *dialer) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	return d.check(ap.Addr(), ap.Port())
}

func (d *dialer) check(addr netip.Addr, port uint16) error {
	if err := d.guard.Check(addr); err != nil {
		return err
	}
	if port == 0 || !d.ports[int(port)] && !d.guard.Allowed(addr) { // SEC-24
		return fmt.Errorf("%w: %d", ErrPort, port)
	}
	return nil
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrURL, address)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrPort, portText)
	}
	addrs, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addrs {
		if err := d.check(a, uint16(port)); err != nil {
			errs = append(errs, err)
			continue
		}
		conn, err := d.net.DialContext(ctx, network, netip.AddrPortFrom(a.Unmap(), uint16(port)).String())
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// maxAddresses bounds how many addresses of one name are tried.
const maxAddresses = 4

func (d *dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("look up %s: no address", host)
	}
	return addrs[:min(len(addrs), maxAddresses)], nil
}
