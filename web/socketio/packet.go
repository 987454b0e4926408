package socketio

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Packets of Engine.IO: the first character says what they are.
const (
	enginePing    = '2'
	enginePong    = '3'
	engineClose   = '1'
	engineMessage = '4'
	engineUpgrade = '5'
	engineNoop    = "6"
	probe         = "2probe"
	probed        = "3probe"
	separator     = "\x1e" // between packets of one answer
)

// Packets of Socket.IO.
const (
	connect      = '0'
	disconnect   = '1'
	event        = '2'
	ack          = '3'
	connectError = '4'
)

var errPacket = errors.New("not a packet")

// packet is one of Socket.IO.
type packet struct {
	kind      byte
	namespace string // "/" is the default one
	data      json.RawMessage
}

// parsePacket reads what follows the 4 of a message.
func parsePacket(s string) (packet, error) {
	if s == "" || s[0] < connect || s[0] > connectError {
		return packet{}, errPacket // 5 and 6 are binary
	}
	p := packet{kind: s[0], namespace: "/"}
	s = s[1:]
	if strings.HasPrefix(s, "/") {
		p.namespace, s, _ = strings.Cut(s, ",")
		p.namespace, _, _ = strings.Cut(p.namespace, "?") // clients of version 2 sent a query
	}
	s = strings.TrimLeft(s, "0123456789") // the number of an acknowledgement
	if s != "" {
		if !json.Valid([]byte(s)) {
			return packet{}, errPacket
		}
		p.data = json.RawMessage(s)
	}
	return p, nil
}

// String is the packet as a message of Engine.IO.
func (p packet) String() string {
	var b strings.Builder
	b.WriteByte(engineMessage)
	b.WriteByte(p.kind)
	if p.namespace != "/" {
		b.WriteString(p.namespace + ",")
	}
	b.Write(p.data)
	return b.String()
}

// parseEvent reads the data of an event: its name and what comes with it.
func parseEvent(data json.RawMessage) (name string, args []json.RawMessage, err error) {
	var all []json.RawMessage
	if json.Unmarshal(data, &all) != nil || len(all) == 0 || json.Unmarshal(all[0], &name) != nil {
		return "", nil, errPacket
	}
	return name, all[1:], nil
}

// object is a JSON object of strings.
func object(key, value string) json.RawMessage {
	return json.RawMessage("{" + quote(key) + ":" + quote(value) + "}")
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s) // not reached: every string has a JSON form
	}
	return string(b)
}
