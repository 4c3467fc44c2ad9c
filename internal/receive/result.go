package receive

import (
	"errors"

	"github.com/ccr-sdk/ccr"
)

// done reports something that is in the sink, and all is done.
func (j *job) done(entry ccr.LedgerEntry) ccr.Received {
	switch {
	case j.committed == nil:
		return j.result(entry, ccr.DeliveredBefore)
	case j.committed.SHA256 != entry.SHA256:
		return j.overtaken()
	}
	return j.result(entry, ccr.Delivered)
}

// notArchived reports something that is in the sink and not settled.
func (j *job) notArchived(entry ccr.LedgerEntry, err error) ccr.Received {
	r := j.result(entry, ccr.DeliveredNotArchived)
	r.Err = j.failure(j.item.Name, err, "It is in the sink; the next Receive tells the vendor without delivering it again.")
	return r
}

// overtaken is the result when another worker has taken over with newer
// content: it reports our delivery as not archived, since one result cannot
// name two deliveries.
func (j *job) overtaken() ccr.Received {
	return j.notArchived(*j.committed, errors.New("another worker goes on with newer content under that name"))
}

// elsewhere reports what another worker is at work on.
func (j *job) elsewhere() ccr.Received {
	if j.committed != nil {
		return j.notArchived(*j.committed, j.open)
	}
	return ccr.Received{Name: j.item.Name, Size: j.item.Size, State: ccr.ClaimedElsewhere}
}

func (j *job) failed(err error) ccr.Received {
	if j.committed != nil {
		return j.notArchived(*j.committed, err)
	}
	return ccr.Received{Name: j.item.Name, Size: j.item.Size, State: ccr.ReceiveFailed,
		Err: j.failure(j.item.Name, err, "The vendor still has it; run Receive again.")}
}

func (j *job) result(entry ccr.LedgerEntry, state ccr.ReceivedState) ccr.Received {
	return ccr.Received{Name: j.item.Name, Location: j.location, Size: entry.Size, SHA256: entry.SHA256, State: state}
}
