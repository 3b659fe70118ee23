package repo_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"holdfast/internal/inventory"
	"holdfast/internal/pgtest"
	"holdfast/repo"
)

// faultWorld is a database with 10 units each of A, B and C, a repository that
// reaches it through a proxy, and a second one that reaches it directly.
type faultWorld struct {
	*testing.T
	url   string
	db    *bun.DB
	proxy *proxy
	repo  *repo.Repo
	other *repo.Repo
}

// underEach runs a test under either strategy.
func underEach(t *testing.T, test func(t *testing.T, strategy inventory.Strategy)) {
	for _, strategy := range inventory.Strategies {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			test(t, strategy)
		})
	}
}

func newFaultWorld(t *testing.T, strategy inventory.Strategy, set ...func(*repo.Options)) *faultWorld {
	t.Helper()
	w := &faultWorld{T: t, url: pgtest.URL(t)}
	set = append([]func(*repo.Options){func(o *repo.Options) { o.Strategy = strategy }}, set...)
	w.db = openPool(t, w.url)
	w.proxy = newProxy(t, w.url)
	w.repo = newRepo(t, openPool(t, w.proxy.url), set...)
	w.other = newRepo(t, w.db, set...)
	for _, sku := range []string{"A", "B", "C"} {
		createSKU(t, w.other, sku, 10)
	}
	return w
}

// answer is what a caller was told.
type answer struct {
	inventory.Outcome
	err error
}

// refusedAs says whether the answer is a refusal, and of which code.
func (a answer) refusedAs(code inventory.Code) bool {
	return a.err == nil && len(a.Refused) > 0 && a.Refused[0].Code == code
}

func (a answer) wasDone() bool { return a.err == nil && len(a.Refused) == 0 }

// start runs a command beside the test, and returns where its answer will be.
func start(ctx context.Context, r *repo.Repo, command inventory.Command) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		outcome, err := r.Do(ctx, command, nil)
		answers <- answer{outcome, err}
	}()
	return answers
}

// watched tells when a command is about to join its lane.
type watched struct {
	inventory.Command
	joining *sync.WaitGroup
}

func (w watched) Footprint(principal string) inventory.Footprint {
	defer w.joining.Done()
	return w.Command.Footprint(principal)
}

// groupOf answers commands that share a group: the lane is kept busy until all
// of them wait.
func (w *faultWorld) groupOf(commands ...inventory.Command) []answer {
	w.Helper()
	release := w.keepLaneBusy()
	answers := w.join(commands...)
	release()
	told := make([]answer, len(answers))
	for i := range answers {
		told[i] = await(w, answers[i])
	}
	return told
}

// keepLaneBusy has the lane's next groups wait for release.
func (w *faultWorld) keepLaneBusy() (release func()) {
	w.Helper()
	began, proceed := make(chan struct{}), make(chan struct{})
	w.proxy.next(isLoad, func(x *exchange) {
		close(began)
		<-proceed
		x.pass()
	})
	busy := start(w.Context(), w.repo, inventory.ReleaseHold{ReservationID: noSuchID})
	await(w, began)
	return func() {
		w.Helper()
		close(proceed)
		require.True(w, await(w, busy).refusedAs(inventory.NotFound))
	}
}

// join starts commands, and returns when all of them are about to wait.
func (w *faultWorld) join(commands ...inventory.Command) []<-chan answer {
	var joining sync.WaitGroup
	joining.Add(len(commands))
	answers := make([]<-chan answer, len(commands))
	for i, command := range commands {
		answers[i] = start(w.Context(), w.repo, watched{command, &joining})
	}
	joining.Wait()
	return answers
}

const noSuchID = "00000000-0000-7000-8000-000000000000"

// await receives, or fails the test if nothing comes.
func await[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	return awaitWithin(t, patience, from)
}

func awaitWithin[T any](t testing.TB, limit time.Duration, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(limit):
		require.FailNow(t, "nothing came", "within %s", limit)
		panic("not reached")
	}
}

// oneOf is a hold of one unit, named by its token.
func oneOf(sku, token string) inventory.CreateHold {
	return inventory.CreateHold{ClientToken: token, Lines: []inventory.LineRequest{line(sku, 1)}}
}

// entries counts the audit log.
func (w *faultWorld) entries() int { return count(w, w.db, "SELECT count(*) FROM audit_log") }

// newSKU adds a SKU of 10 units.
func (w *faultWorld) newSKU(n int) string {
	sku := fmt.Sprint("sku-", n)
	createSKU(w, w.other, sku, 10)
	return sku
}

// do runs a command, and fails the test if there is no answer.
func (w *faultWorld) do(r *repo.Repo, command inventory.Command) answer {
	w.Helper()
	return await(w, start(w.Context(), r, command))
}
