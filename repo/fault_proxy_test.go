package repo_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a repository and PostgreSQL, and can do harm between a
// query and its answer, at an exact point: it understands the simple query
// protocol, in which each query has one answer and nothing overlaps.
type proxy struct {
	url      string
	server   string // host:port of PostgreSQL
	listener net.Listener
	links    sync.WaitGroup

	mu    sync.Mutex
	down  bool
	open  map[*link]bool
	traps []*trap
}

// trap is what happens to the next query that it matches, in place of its being
// passed on.
type trap struct {
	match  func(query string) bool
	act    func(*exchange)
	sprung chan struct{}
}

// newProxy returns a proxy in front of the database, which ends with t.
func newProxy(t testing.TB, databaseURL string) *proxy {
	t.Helper()
	address, err := url.Parse(databaseURL)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{server: address.Host, listener: listener, open: map[*link]bool{}}
	address.Host = listener.Addr().String()
	p.url = address.String()

	p.links.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		p.links.Wait()
	})
	return p
}

func isLoad(query string) bool { return strings.HasPrefix(query, "BEGIN") }
func isSave(query string) bool { return strings.HasSuffix(query, "; COMMIT") }

// next sets a trap for the next query that matches, and returns a channel that
// is closed when act has returned.
func (p *proxy) next(match func(query string) bool, act func(*exchange)) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := &trap{match: match, act: act, sprung: make(chan struct{})}
	p.traps = append(p.traps, one)
	return one.sprung
}

// cut ends all connections, and refuses new ones until mend.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for l := range p.open {
		l.close()
	}
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.links.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	l := &link{client: client, server: server, fromClient: bufio.NewReader(client), fromServer: bufio.NewReader(server)}
	defer l.close()
	p.mu.Lock()
	if p.down {
		p.mu.Unlock()
		return
	}
	p.open[l] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.open, l)
		p.mu.Unlock()
	}()

	if l.startUp() != nil {
		return
	}
	for {
		message, err := readMessage(l.fromClient)
		if err != nil || message[0] != 'Q' {
			return
		}
		x := &exchange{link: l, message: message}
		sprung := p.spring(x.query())
		if sprung == nil {
			x.pass()
			continue
		}
		sprung.act(x)
		close(sprung.sprung)
	}
}

// spring takes the first trap that the query is for.
func (p *proxy) spring(query string) *trap {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, one := range p.traps {
		if one.match(query) {
			p.traps = append(p.traps[:i:i], p.traps[i+1:]...)
			return one
		}
	}
	return nil
}

// link is one connection through the proxy.
type link struct {
	client, server         net.Conn
	fromClient, fromServer *bufio.Reader
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// startUp passes the start-up message on, which has no type, and what follows
// until PostgreSQL is ready for a query.
func (l *link) startUp() error {
	length, err := l.fromClient.Peek(4)
	if err != nil {
		return err
	}
	message := make([]byte, binary.BigEndian.Uint32(length))
	if _, err := io.ReadFull(l.fromClient, message); err != nil {
		return err
	}
	for {
		if _, err := l.server.Write(message); err != nil {
			return err
		}
		for asked := false; !asked; {
			if message, err = readMessage(l.fromServer); err != nil {
				return err
			}
			if _, err = l.client.Write(message); err != nil || message[0] == 'Z' {
				return err
			}
			asked = asksPassword(message)
		}
		if message, err = readMessage(l.fromClient); err != nil {
			return err
		}
	}
}

// asksPassword says whether PostgreSQL waits for a part of the authentication.
func asksPassword(message []byte) bool {
	const ok, final = 0, 12
	kind := binary.BigEndian.Uint32(message[5:])
	return message[0] == 'R' && kind != ok && kind != final
}

// exchange is a query and its answer. What fails, for one side has gone, is
// met again when the link is used next.
type exchange struct {
	link    *link
	message []byte
}

func (x *exchange) query() string { return strings.TrimSuffix(string(x.message[5:]), "\x00") }

// pass does what a cable does.
func (x *exchange) pass() {
	x.send()
	x.reply(x.answer())
}

// send gives the query to PostgreSQL.
func (x *exchange) send() { _, _ = x.link.server.Write(x.message) }

// answer waits until PostgreSQL is through with the query.
func (x *exchange) answer() []byte {
	var answer []byte
	for {
		message, err := readMessage(x.link.fromServer)
		if err != nil {
			// A last report is passed on before the link goes down.
			x.reply(answer)
			x.hangUp()
			return nil
		}
		if answer = append(answer, message...); message[0] == 'Z' {
			return answer
		}
	}
}

func (x *exchange) reply(answer []byte) { _, _ = x.link.client.Write(answer) }

// hangUp ends the repository's side of the connection; PostgreSQL's lives on
// until the exchange is over.
func (x *exchange) hangUp() { _ = x.link.client.Close() }

// readMessage reads one message: a type, a length that counts itself, and the
// rest.
func readMessage(r *bufio.Reader) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	message := append(head, make([]byte, binary.BigEndian.Uint32(head[1:])-4)...)
	_, err := io.ReadFull(r, message[5:])
	return message, err
}

// inTwo sends what comes before a COMMIT, calls between once that is carried
// out, and then sends the COMMIT.
func (x *exchange) inTwo(between func()) {
	before, ok := strings.CutSuffix(x.query(), "; COMMIT")
	if !ok {
		panic("not a save")
	}
	x.message = queryMessage(before)
	x.send()
	saved := x.answer()
	between()
	x.message = queryMessage("COMMIT")
	x.send()
	// One answer is ready for the next query once.
	x.reply(append(saved[:len(saved)-readyLength], x.answer()...))
}

// readyLength is that of the message with which an answer ends.
const readyLength = 6

func queryMessage(query string) []byte {
	message := binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(4+len(query)+1))
	return append(append(message, query...), 0)
}
