package engine

import (
	"encoding/binary"
	"testing"

	"github.com/ccr-sdk/ccr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a server says when the session starts is foreign: it must not panic,
// and never lead to requests that the protocol does not promise or that are
// nonsense.
func FuzzGreeting(f *testing.F) {
	version := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, packetVersion}, protocolVersion)
	f.Add(version, []byte{})
	f.Add(append(version, 0, 0, 0, 1, 'x', 0, 0, 0, 0), []byte{0, 0, 0, 0, packetExtendedReply})
	limits := append([]byte{0, 0, 0, 0, packetExtendedReply}, make([]byte, 4)...)
	for _, v := range []uint64{1 << 18, 1 << 40, 1, 0} {
		limits = binary.BigEndian.AppendUint64(limits, v)
	}
	f.Add(version, limits)
	f.Fuzz(func(t *testing.T, version, limits []byte) {
		g, err := parseVersion(version)
		if err != nil {
			require.ErrorIs(t, err, ccr.ErrContract)
			return
		}
		g.applyLimits(limits)
		for _, n := range []int{g.read, g.write} {
			assert.GreaterOrEqual(t, n, 1024)
			assert.LessOrEqual(t, n, maxRequest)
		}
	})
}
