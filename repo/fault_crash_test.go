package repo_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
)

// workerURL is set where the test binary was started as a server to be killed.
const workerURL = "HOLDFAST_TEST_WORKER_URL"

func TestEverythingAcknowledgedSurvivesTheServersDeath(t *testing.T) {
	t.Parallel()
	underEach(t, func(t *testing.T, strategy inventory.Strategy) {
		url := pgtest.URL(t)
		db := openPool(t, url)
		r := newRepo(t, db)
		createSKU(t, r, "A", 1_000_000)

		worker := exec.Command(os.Args[0], "-test.run=^TestWorkerToBeKilled$", "-test.v=false")
		worker.Env = append(os.Environ(), workerURL+"="+url, "STRATEGY="+string(strategy))
		out, err := worker.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, worker.Start())
		kill := sync.OnceFunc(func() {
			_ = worker.Process.Kill()
			_ = worker.Wait()
		})
		t.Cleanup(kill)

		// What is in the pipe when it is killed was acknowledged as well.
		acknowledged := map[string]string{}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if token, id, ok := strings.Cut(lines.Text(), " "); ok && strings.HasPrefix(token, "ack/") {
				acknowledged[token] = id
			}
			if len(acknowledged) == 300 {
				require.NoError(t, worker.Process.Kill())
			}
		}
		kill()
		require.GreaterOrEqual(t, len(acknowledged), 300)

		requireSound(t, db)
		for token, id := range acknowledged {
			outcome, err := r.Do(t.Context(), oneOf("A", token), nil)
			require.NoError(t, err)
			require.Empty(t, outcome.Refused)
			assert.True(t, outcome.Replayed)
			assert.Equal(t, id, outcome.Reservation.ID)
		}
		requireSound(t, db)
	})
}

func TestWorkerToBeKilled(t *testing.T) {
	url := os.Getenv(workerURL)
	if url == "" {
		t.Skip("this is the server that another test starts and kills")
	}
	strategy := inventory.Strategy(os.Getenv("STRATEGY"))
	r := newRepo(t, openPool(t, url))
	var callers sync.WaitGroup
	for caller := range 32 {
		callers.Go(func() {
			for n := 0; ; n++ {
				token := fmt.Sprintf("ack/%d/%d", caller, n)
				outcome, err := r.Do(t.Context(), oneOf("A", token), &strategy)
				if err != nil || len(outcome.Refused) > 0 {
					return
				}
				// One write a line, straight to the pipe.
				_, _ = fmt.Fprintf(os.Stdout, "%s %s\n", token, outcome.Reservation.ID)
			}
		})
	}
	callers.Wait()
}
