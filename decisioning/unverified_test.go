package decisioning_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ccr-sdk/ccr/decisioning"
)

func TestUnverifiedSaysWhatFromWhereAndWhatThen(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range decisioning.Unverified() {
		assert.NotEmpty(t, a.What)
		assert.NotEmpty(t, a.From)
		assert.NotEmpty(t, a.If)
		assert.False(t, seen[a.What])
		seen[a.What] = true
	}
	assert.Greater(t, len(seen), 10)
}
