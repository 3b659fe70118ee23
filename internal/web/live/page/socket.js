// A client of graphql-transport-ws, the protocol of GraphQL over WebSocket, that
// keeps subscriptions alive: when the connection is lost it makes a new one and
// subscribes again. Holdfast begins every subscription with the present state,
// so nothing else is needed to catch up.
//
// The protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

const RETRY_FIRST = 300; // milliseconds, as all times here
const RETRY_MAX = 5_000;
// A connection that lasted as long as this was a good one.
const STEADY = 5_000;
const SILENCE_MAX = 12_000;
const ANSWER_MAX = 5_000;

// Codes with which a server says that it goes away and will be back.
const restarts = new Set([1001, 1012]);
// Codes with which it refuses a client: the same again would be refused again.
const refusals = new Set([4400, 4401, 4403, 4406]);

export class Socket {
  #url;
  #onState;
  #subscriptions = new Map();
  #lastId = 0;
  #socket;
  #ready = false;
  #readySince = 0;
  #failures = 0;
  #retry;
  #silence;

  // onState is told where the connection stands: connecting, live, restarting,
  // reconnecting, or refused for good.
  constructor(url, onState) {
    this.#url = url;
    this.#onState = onState;
    addEventListener('online', () => this.#retry && this.#connect());
    onState('connecting');
    this.#connect();
  }

  // subscribe calls next with the data of each event, and once, at the end,
  // either error with the GraphQL errors or complete. It outlives connections.
  subscribe(query, variables, { next, error, complete }) {
    const id = String(++this.#lastId);
    this.#subscriptions.set(id, { payload: { query, variables }, next, error, complete });
    if (this.#ready) {
      this.#start(id);
    }
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const socket = new WebSocket(this.#url, 'graphql-transport-ws');
    socket.onopen = () => this.#send({ type: 'connection_init' });
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(code);
    this.#socket = socket;
    this.#expectSound();
  }

  #lost(code) {
    clearTimeout(this.#silence);
    if (this.#ready && Date.now() - this.#readySince > STEADY) {
      this.#failures = 0;
    }
    this.#ready = false;
    if (refusals.has(code)) {
      this.#onState('refused');
      return;
    }
    if (restarts.has(code)) {
      this.#onState('restarting');
    } else if (this.#failures === 0) {
      this.#onState('reconnecting');
    }
    // Quick at first and slower later; by chance a little earlier or later, so
    // that not all the screens of a shop come back in the same moment.
    const pause = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** this.#failures++);
    this.#retry = setTimeout(() => this.#connect(), pause * (0.5 + Math.random() / 2));
  }

  // A connection can die without a word: a laptop sleeps, a phone changes
  // networks. So one that has fallen silent is asked, and left if it says
  // nothing even then, without waiting for it to close.
  #expectSound() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#send({ type: 'ping' });
      this.#silence = setTimeout(() => {
        this.#socket.onmessage = this.#socket.onclose = null;
        this.#socket.close();
        this.#lost();
      }, ANSWER_MAX);
    }, SILENCE_MAX);
  }

  #receive({ type, id, payload }) {
    this.#expectSound();
    switch (type) {
      case 'connection_ack':
        this.#ready = true;
        this.#readySince = Date.now();
        this.#onState('live');
        this.#subscriptions.forEach((_, each) => this.#start(each));
        break;
      case 'ping':
        this.#send({ type: 'pong' });
        break;
      case 'next':
        if (payload.errors) {
          this.#end(id)?.error(payload.errors);
        } else {
          this.#subscriptions.get(id)?.next(payload.data);
        }
        break;
      case 'error':
        this.#end(id)?.error(payload);
        break;
      case 'complete':
        this.#end(id)?.complete();
        break;
    }
  }

  #start(id) {
    this.#send({ id, type: 'subscribe', payload: this.#subscriptions.get(id).payload });
  }

  #end(id) {
    const subscription = this.#subscriptions.get(id);
    this.#subscriptions.delete(id);
    return subscription;
  }

  #send(message) {
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }
}
