package sqlstore

import "time"

// SetLease shortens the lease of the store's locks.
func (s *TokenStore) SetLease(d time.Duration) { s.lease = d }
