// Each test shows one rule of what is handled once.

package main

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"
)

// counter is work that counts, and fails if err is set.
type counter struct {
	done int
	err  error
}

func (c *counter) work() error {
	c.done++
	return c.err
}

func TestASecondDeliveryDoesNothing(t *testing.T) {
	handled, counter := newHandled(), &counter{}
	for range 2 {
		if err := handled.once("c1", counter.work); err != nil {
			t.Error(err)
		}
	}
	if counter.done != 1 {
		t.Errorf("done %d times", counter.done)
	}
}

func TestWhatFailedIsDoneAgain(t *testing.T) {
	handled, counter := newHandled(), &counter{err: errors.New("no database")}
	if err := handled.once("c1", counter.work); err != counter.err {
		t.Error(err)
	}
	counter.err = nil
	if err := handled.once("c1", counter.work); err != nil || counter.done != 2 {
		t.Errorf("done %d times, error %v", counter.done, err)
	}
}

func TestDeliveriesAtTheSameTimeDoItOnce(t *testing.T) {
	handled, counter := newHandled(), &counter{}
	slow := func() error {
		time.Sleep(time.Millisecond)
		return counter.work()
	}
	var deliveries sync.WaitGroup
	for range 10 {
		deliveries.Go(func() { handled.once("c1", slow) })
	}
	deliveries.Wait()
	if counter.done != 1 {
		t.Errorf("done %d times", counter.done)
	}
}

func TestWithoutAnIDItIsAlwaysDone(t *testing.T) {
	handled, counter := newHandled(), &counter{}
	handled.once("", counter.work)
	handled.once("", counter.work)
	if counter.done != 2 {
		t.Errorf("done %d times", counter.done)
	}
}

func TestTheOldestIDIsForgottenFirst(t *testing.T) {
	handled, counter := newHandled(), &counter{}
	for id := range remembered + 1 {
		handled.once(strconv.Itoa(id), counter.work)
	}
	if len(handled.ids) != remembered {
		t.Errorf("%d ids are kept", len(handled.ids))
	}
	handled.once("1", counter.work)
	if counter.done != remembered+1 {
		t.Error("the second was forgotten")
	}
	handled.once("0", counter.work)
	if counter.done != remembered+2 {
		t.Error("the first was not forgotten")
	}
}
