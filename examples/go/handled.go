// The after-callbacks that were handled. Each is delivered at least once, always with the same callback-id.

package main

import "sync"

// remembered is how many callback ids are kept; the oldest go first.
const remembered = 10_000

// handled stands in for a database: a real decider stores the id with the effect, under a unique key and in the same
// transaction. This memory ends with the process, and several processes don't share it.
type handled struct {
	mu   sync.Mutex
	ids  map[string]bool
	ring [remembered]string
	next int
}

func newHandled() *handled {
	return &handled{ids: map[string]bool{}}
}

// once does the work, unless it was done for this id before. After an error the next delivery does it again. A call that
// was made by hand may have no id; its work is always done.
func (h *handled) once(id string, work func() error) error {
	// Held during the work: two deliveries at the same time do it once. With a database no other id would wait.
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ids[id] {
		return nil
	}
	if err := work(); err != nil {
		return err
	}
	if id != "" {
		delete(h.ids, h.ring[h.next])
		h.ids[id], h.ring[h.next] = true, id
		h.next = (h.next + 1) % remembered
	}
	return nil
}
