package streams_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/repo"
)

func TestJoinersFirstEventHasWhatWasCommittedBeforeItJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.dial()
	s.watch("follower", "A")
	require.EqualValues(t, 1, s.version("follower"))
	joiner := w.dial()
	for version := int64(2); version < 200; version++ {
		w.commit("A", "default") // and nobody is told
		joiner.watch("joiner", "A")
		require.Equal(t, version, joiner.version("joiner"))
		joiner.complete("joiner")
		require.Equal(t, version, s.version("follower"))
	}
}

func TestASubscriptionRefusedBeforeAnythingIsReadIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.dial()
	for _, id := range ids(10) {
		s.start(id, `subscription { availabilityChanged(skus: []) { sku } }`, nil)
		s.requireFailed(id, "BAD_USER_INPUT")
	}
	s.requireQuiet()
}

func TestThoseWhoComeTogetherAreReadForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	reading, let := w.hold()
	defer let()
	first := w.dial()
	first.watch("1", "A")
	<-reading
	crowd := w.dial()
	for _, id := range ids(20) {
		crowd.watch(id, "A")
	}
	crowd.requireQuiet() // all have joined
	let()
	for range 20 {
		m := crowd.receive()
		require.EqualValues(t, 1, decodeEvent(t, m.Payload).Data.AvailabilityChanged.Version)
	}
	require.EqualValues(t, 1, first.version("1"))
	first.requireQuiet()
	require.Equal(t, 2, w.readCount())
	require.EqualValues(t, 1, w.responses.Load())
}

func TestAHundredWhoAskForTheSameShareOneExecution(t *testing.T) {
	t.Parallel()
	const sockets, each, changes = 10, 10, 20
	w := newWorld(t)
	w.add("A")
	last := int64(changes + 1)
	var clients sync.WaitGroup
	ready := make(chan bool, sockets)
	sawChange := make(chan bool, sockets)
	for range sockets {
		s := w.dial()
		clients.Go(func() {
			for _, id := range ids(each) {
				s.watch(id, "A")
			}
			versions := map[string]int64{}
			for range each {
				m := s.receive()
				versions[m.ID] = decodeEvent(t, m.Payload).Data.AvailabilityChanged.Version
			}
			ready <- len(versions) == each
			for version := int64(2); version <= last; version++ {
				for range each {
					m := s.receive()
					got := decodeEvent(t, m.Payload).Data.AvailabilityChanged.Version
					assert.Equal(t, version, got)
					assert.Greater(t, got, versions[m.ID])
					versions[m.ID] = got
				}
				sawChange <- true
			}
		})
	}
	for range sockets {
		require.True(t, <-ready)
	}
	require.Equal(t, 1, w.streams.Executions())
	require.EqualValues(t, 1, w.responses.Load())
	require.Equal(t, map[string]int{"websocket": sockets, "availabilityChanged": sockets * each}, w.seen.present())
	for change := range changes {
		w.change("A")
		for range sockets {
			<-sawChange
		}
		require.EqualValues(t, change+2, w.responses.Load())
	}
	clients.Wait()
}

func TestWhatDiffersIsNotMixedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A", "B")
	w.commit("A", "west")
	w.commit("A", "west")
	const two = `subscription One($skus: [String!]!, $location: String) { availabilityChanged(skus: $skus, location: $location) { version } }
subscription Other($skus: [String!]!, $location: String) { availabilityChanged(skus: $skus, location: $location) { v: version } }`
	s := w.dial()
	for i, asked := range []struct {
		query, operation, variables, wanted string
	}{
		{watchQuery, ``, `{"skus":["A"]}`, `{"sku":"A","available":2003,"version":3}`},
		{watchQuery, ``, `{"skus":["B"]}`, `{"sku":"B","available":1001,"version":1}`},
		{watchQuery, ``, `{"skus":["A"],"location":"west"}`, `{"sku":"A","available":1002,"version":2}`},
		{watchQuery, ``, `{"skus":["A"],"location":"default"}`, `{"sku":"A","available":1001,"version":1}`},
		{two, `One`, `{"skus":["A"]}`, `{"version":3}`},
		{two, `Other`, `{"skus":["A"]}`, `{"v":3}`},
		{`subscription ($skus: [String!]! = ["B"]) { availabilityChanged(skus: $skus) { sku } }`, ``, `{}`, `{"sku":"B"}`},
		{`subscription ($skus: [String!]! = ["B"]) { availabilityChanged(skus: $skus) { sku } }`, ``, `{"skus":["A"]}`, `{"sku":"A"}`},
		{`subscription ($more: Boolean!) { availabilityChanged(skus: "A") { sku version @include(if: $more) } }`, ``, `{"more":true}`, `{"sku":"A","version":3}`},
		{`subscription ($more: Boolean!) { availabilityChanged(skus: "A") { sku version @include(if: $more) } }`, ``, `{"more":false}`, `{"sku":"A"}`},
	} {
		payload, err := json.Marshal(map[string]any{
			"query": asked.query, "operationName": asked.operation, "variables": json.RawMessage(asked.variables),
		})
		require.NoError(t, err)
		for range 2 {
			id := strconv.Itoa(int(w.responses.Load())) + asked.wanted
			s.send(`{"type":"subscribe","id":` + strconv.Quote(id) + `,"payload":` + string(payload) + `}`)
			m := s.receive()
			require.Equal(t, "next", m.Type)
			require.JSONEq(t, `{"data":{"availabilityChanged":`+asked.wanted+`}}`, string(m.Payload))
			require.Equal(t, i+1, w.streams.Executions())
			s.send(`{"type":"subscribe","id":` + strconv.Quote(id+"again") + `,"payload":` + string(payload) + `}`)
			require.JSONEq(t, `{"data":{"availabilityChanged":`+asked.wanted+`}}`, string(s.receive().Payload))
			s.send(`{"type":"complete","id":` + strconv.Quote(id) + `}`)
		}
	}
}

func TestTheOrderOfVariablesMakesNoDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.dial()
	for i, variables := range []string{
		`{"skus":["A"],"location":"default"}`, `{ "location": "default", "skus": [ "A" ] }`, `{"location":"\u0064efault","unknown":1,"skus":["A"]}`,
	} {
		id := strconv.Itoa(i)
		s.send(`{"type":"subscribe","id":"` + id + `","payload":{"query":` + strconv.Quote(strings.ReplaceAll(watchQuery, "\n\t", " ")) + `,"variables":` + variables + `}}`)
		require.EqualValues(t, 1, s.version(id))
	}
	require.Equal(t, 1, w.streams.Executions())
	require.EqualValues(t, 1, w.responses.Load())
}

func TestJoinerIsNotGivenAReadThatBeganBeforeItCame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	follower, early, late := w.dial(), w.dial(), w.dial()
	follower.watch("1", "A")
	require.EqualValues(t, 1, follower.version("1"))

	reading, let := w.hold()
	defer let()
	early.watch("1", "A")
	<-reading // it has seen the stock, and answers later
	w.commit("A", "default")
	late.watch("1", "A")
	late.requireQuiet()
	_, letNext := w.hold() // or what it brings might take the place of what the first did
	defer letNext()
	let()
	require.EqualValues(t, 1, early.version("1"))
	letNext()
	require.EqualValues(t, 2, late.version("1"))
	require.EqualValues(t, 2, early.version("1"))
	require.EqualValues(t, 2, follower.version("1"))
}

func TestFollowersHearOfChangesWhileTheStateIsReadForAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A", "B")
	follower, joiner := w.dial(), w.dial()
	follower.watch("1", "A", "B")
	follower.version("1")
	follower.version("1")
	reading, let := w.hold()
	defer let()
	joiner.watch("1", "A", "B")
	<-reading
	for range 10 {
		require.Equal(t, w.change("A"), follower.version("1"))
	}
	joiner.requireQuiet()
	let()
	got := map[string]int64{}
	for range 2 {
		value := joiner.next("1").Data.AvailabilityChanged
		got[value.SKU] = value.Version
	}
	require.Equal(t, map[string]int64{"A": 11, "B": 1}, got)
	follower.requireQuiet() // the stock of the read is older than what it knows
}

func TestAReadThatFailsRefusesTheJoinerAlone(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]struct {
		err  error
		code string
	}{
		"Overloaded": {fmt.Errorf("availability: %w", repo.ErrOverloaded), "OVERLOADED"},
		"Fault":      {errors.New("secret: disk on fire"), "INTERNAL"},
		"Refused":    {&inventory.Error{Code: inventory.InvalidInput, Message: "no such location", Field: []string{"location"}}, "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.add("A")
			follower, joiner := w.dial(), w.dial()
			follower.watch("1", "A")
			follower.version("1")
			for range 3 {
				w.fail(failing.err)
				joiner.watch("1", "A")
				shown := joiner.requireFailed("1", failing.code)
				require.NotContains(t, shown.Message, "secret")
				if failing.code == "INTERNAL" {
					require.NotEmpty(t, shown.Extensions.RequestID)
					require.Contains(t, w.log.String(), shown.Extensions.RequestID)
					require.Contains(t, w.log.String(), "disk on fire")
				}
				w.fail(nil)
				version := w.change("A")
				require.Equal(t, version, follower.version("1"))
				joiner.watch("1", "A") // the id is free, and the state can be read
				require.Equal(t, version, joiner.version("1"))
				joiner.complete("1")
			}
			require.Equal(t, 1, w.streams.Executions())
		})
	}
}

func TestAFirstReadThatFailsEndsForAllWhoWaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	w.fail(repo.ErrOverloaded)
	reading, let := w.hold()
	defer let()
	first, late := w.dial(), w.dial()
	first.watch("1", "A")
	<-reading
	late.watch("1", "A") // is read for anew
	late.requireQuiet()
	let()
	first.requireFailed("1", "OVERLOADED")
	late.requireFailed("1", "OVERLOADED")
	require.Equal(t, 2, w.readCount())
}

func TestAnUnknownSKUIsToldToAllWhoAskForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	reading, let := w.hold()
	defer let()
	s := w.dial()
	s.watch("0", "A", "MISSING")
	<-reading
	for _, id := range ids(10)[1:] {
		s.watch(id, "A", "MISSING")
	}
	s.requireQuiet()
	let()
	got := map[string][]string{}
	for range 20 {
		m := s.receive()
		got[m.ID] = append(got[m.ID], m.Type)
		if m.Type == "next" {
			e := decodeEvent(t, m.Payload)
			require.Equal(t, "BAD_USER_INPUT", e.Errors[0].Extensions.Code)
			require.Equal(t, []string{"skus", "1"}, e.Errors[0].Extensions.Field)
			require.Contains(t, e.Errors[0].Message, "MISSING")
		}
	}
	require.Len(t, got, 10)
	for id, types := range got {
		require.Equal(t, []string{"next", "complete"}, types, id)
	}
	w.eventually(func(c *assert.CollectT) { assert.Zero(c, w.streams.Executions()) })
}

func TestASKUThatIsGoneByAnotherReadIsToldToTheJoiner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A", "B")
	follower, joiner := w.dial(), w.dial()
	follower.watch("1", "A", "B")
	follower.version("1")
	follower.version("1")
	w.mu.Lock()
	delete(w.levels, "B")
	w.mu.Unlock()
	joiner.watch("1", "A", "B")
	require.Equal(t, []string{"skus", "1"}, joiner.requireFailed("1", "BAD_USER_INPUT").Extensions.Field)
	require.Equal(t, w.change("A"), follower.version("1"))
}

func TestAReadThatPanicsRefusesTheJoinerAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	w.commitMove(inventory.Held)
	follower, joiner := w.dial(), w.dial()
	follower.watch("1", "A")
	follower.version("1")
	follower.follow("2")
	follower.status("2")
	w.setAfterRead(func() { panic("secret") })
	joiner.watch("1", "A")
	joiner.requireFailed("1", "INTERNAL")
	joiner.follow("2")
	joiner.requireFailed("2", "INTERNAL")
	w.setAfterRead(nil)
	require.Equal(t, w.change("A"), follower.version("1"))
	require.Contains(t, w.log.String(), "secret")
}

func TestAReservationsEndCompletesForAll(t *testing.T) {
	t.Parallel()
	for _, status := range []inventory.Status{inventory.Allocated, inventory.Released, inventory.Expired} {
		w := newWorld(t)
		w.commitMove(inventory.Held)
		s, e := w.dial(), w.stream(`{"query":`+strconv.Quote(followQuery)+`,"variables":{"id":"`+holdID+`"}}`)
		s.follow("0")
		require.Equal(t, "HELD", s.status("0"))
		s.follow("1")
		require.Equal(t, "HELD", s.status("1"))
		require.Equal(t, "HELD", e.next().Data.ReservationChanged.Status)
		require.Equal(t, 1, w.streams.Executions())
		w.move(status)
		var got []string
		for range 4 {
			m := s.receive()
			got = append(got, m.ID+m.Type)
		}
		require.ElementsMatch(t, []string{"0next", "0complete", "1next", "1complete"}, got)
		require.Equal(t, string(status), e.next().Data.ReservationChanged.Status)
		e.requireComplete()
		s.follow("0") // one who comes after gets it as it is
		require.Equal(t, string(status), s.status("0"))
		s.requireComplete("0")
		s.leave()
		w.requireNobody()
	}
}

func TestOneWhoJoinsAReservationAsItEndsGetsItsEndFirst(t *testing.T) {
	t.Parallel()
	for range 40 {
		w := newWorld(t)
		w.commitMove(inventory.Held)
		follower, joiner := w.dial(), w.dial()
		follower.follow("1")
		require.Equal(t, "HELD", follower.status("1"))
		go w.move(inventory.Expired)
		joiner.follow("1")
		for _, s := range []*socket{joiner, follower} {
			status := s.status("1")
			if status == "HELD" {
				status = s.status("1")
			}
			require.Equal(t, "EXPIRED", status)
			s.requireComplete("1")
		}
	}
}

func TestOneWhoJoinsAfterAReservationWentOnIsNotToldAnEarlierEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commitMove(inventory.Held)
	follower, joiner := w.dial(), w.dial()
	follower.follow("1")
	require.Equal(t, "HELD", follower.status("1"))
	allocated := w.commitMove(inventory.Allocated) // by another server, whose word comes late
	w.commitMove(inventory.Fulfilled)
	reading, let := w.hold()
	defer let()
	joiner.follow("1")
	<-reading
	w.Announce(inventory.Changes{Moved: []inventory.ReservationMove{{After: allocated}}})
	require.Equal(t, "ALLOCATED", follower.status("1"))
	follower.requireComplete("1")
	let()
	require.Equal(t, "FULFILLED", joiner.status("1"))
	joiner.requireComplete("1")
}

func TestTheLastOneWhoLeavesEndsTheExecution(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s, other := w.dial(), w.dial()
	s.watch("1", "A")
	s.version("1")
	for range 50 {
		other.watch("1", "A")
		other.version("1")
		require.Equal(t, 1, w.streams.Executions())
		s.complete("1")
		s.requireQuiet()
		require.Equal(t, 1, w.streams.Executions())
		require.NotZero(t, w.underWay())
		other.complete("1")
		s.watch("1", "A") // at that very moment: it joins the one there is, or begins anew
		s.version("1")
		other.requireQuiet()
		require.Equal(t, 1, w.streams.Executions())
	}
	s.leave()
	w.eventually(func(c *assert.CollectT) {
		assert.Zero(c, w.streams.Executions())
		assert.Zero(c, w.underWay())
	})
}

func TestOneWhoLeavesWhileItIsReadForLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	reading, let := w.hold()
	defer let()
	s := w.dial()
	s.watch("1", "A")
	<-reading
	s.complete("1")
	s.requireQuiet()
	require.Zero(t, w.underWay())
	s.watch("1", "A")
	<-reading
	let()
	require.EqualValues(t, 1, s.version("1"))
}

func TestASlowReaderGetsTheLatestAndOthersDoNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A", "B")
	slow, quick := w.dial(), w.dial()
	slow.watch("1", "A", "B")
	slow.version("1")
	slow.version("1")
	quick.watch("1", "A", "B")
	quick.version("1")
	quick.version("1")
	for range 500 {
		require.Equal(t, w.change("A"), quick.version("1"))
	}
	last := w.change("B")
	var versions []int64
	for {
		value := slow.next("1").Data.AvailabilityChanged
		if value.SKU == "B" {
			require.Equal(t, last, value.Version)
			break
		}
		versions = append(versions, value.Version)
	}
	require.True(t, slices.IsSorted(versions))
	require.EqualValues(t, 501, versions[len(versions)-1])
}
