import { convertHold, createHold, extendHold, holdsOf, releaseHold, reservationChanged } from './operations.js';
import { mutate, newToken, query } from './request.js';

const AGAIN = 1_000; // milliseconds

// Holds is what this page holds, each followed until it ends.
export class Holds {
  #url;
  #socket;
  #clock;
  #onChange;
  #known = new Map();
  // Whom the holds are for: this tab, so that they are found again when the page
  // is loaded anew.
  #holder = holderOfThisTab();

  // onChange is called with each hold that is new, has another deadline, or has
  // ended.
  constructor(url, socket, clock, onChange) {
    this.#url = url;
    this.#socket = socket;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  async restore() {
    const { reservations } = await query(this.#url, holdsOf, { holder: this.#holder });
    // Newest first, as the list is.
    reservations.edges.reverse().forEach(({ node }) => this.#take(node));
  }

  // create, convert, release and extend return why they were refused; nothing,
  // if they were not.
  async create(sku, quantity, ttlSeconds) {
    const sent = Date.now();
    const { reservation, userErrors } = await mutate(this.#url, createHold, {
      clientToken: newToken(),
      lines: [{ sku, quantity }],
      ttlSeconds,
      holder: this.#holder,
    });
    if (reservation) {
      this.#clock.learn(reservation.createdAt, sent, Date.now());
      this.#take(reservation);
    }
    return userErrors;
  }

  convert(id) {
    return this.#change(convertHold, { reservationId: id });
  }

  release(id) {
    return this.#change(releaseHold, { reservationId: id });
  }

  extend(id, ttlSeconds) {
    return this.#change(extendHold, { reservationId: id, ttlSeconds });
  }

  async #change(mutation, input) {
    const { reservation, userErrors } = await mutate(this.#url, mutation, input);
    [reservation, ...userErrors.map((error) => error.reservation)]
      .filter(Boolean)
      .forEach((each) => this.#take(each));
    return userErrors;
  }

  // take keeps the newest only. Answers and events may overtake each other, but
  // an end is final, and a deadline only ever moves away.
  #take(reservation) {
    const known = this.#known.get(reservation.id);
    const isNews = !known || (known.status === 'HELD' &&
      (reservation.status !== 'HELD' || Date.parse(reservation.expiresAt) > Date.parse(known.expiresAt)));
    if (!isNews) {
      return;
    }
    this.#known.set(reservation.id, reservation);
    this.#onChange(reservation);
    if (!known) {
      this.#follow(reservation.id);
    }
  }

  // The subscription completes when the hold has ended. One that is refused, as
  // by a server that can't reach its database yet, is tried again.
  #follow(id) {
    if (this.#known.get(id).status !== 'HELD') {
      return;
    }
    this.#socket.subscribe(reservationChanged, { id }, {
      next: ({ reservationChanged }) => this.#take(reservationChanged),
      error: () => setTimeout(() => this.#follow(id), AGAIN),
      complete: () => {},
    });
  }
}

function holderOfThisTab() {
  const key = 'holdfast:holder';
  try {
    sessionStorage[key] ??= newToken();
    return sessionStorage[key];
  } catch {
    // A browser that keeps nothing: the holds are forgotten with the page.
    return newToken();
  }
}
