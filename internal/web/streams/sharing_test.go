package streams_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJoinersFirstEventHasWhatWasCommittedBeforeItJoined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.add("A")
	s := w.dial()
	s.watch("follower", "A")
	require.EqualValues(t, 1, s.version("follower"))
	joiner := w.dial()
	for version := int64(2); version < 500; version++ {
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
