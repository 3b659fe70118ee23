import { availabilityChanged } from './operations.js';

// Stock is what is known of the SKUs on the board.
export class Stock {
  #socket;
  #onChange;
  #newest = new Map();

  // onChange is called with each availability that is news, and the one before.
  constructor(socket, onChange) {
    this.#socket = socket;
    this.#onChange = onChange;
  }

  // take keeps the newest only. A query's answer and a subscription's events may
  // overtake each other; versions tell which of them is older.
  take(availability) {
    const before = this.#newest.get(availability.sku);
    if (before && before.version >= availability.version) {
      return;
    }
    this.#newest.set(availability.sku, availability);
    this.#onChange(availability, before);
  }

  // follow subscribes to all the SKUs at once. This subscription never completes:
  // a server that stops breaks the connection, and the socket takes it up again.
  follow(skus, onError) {
    this.#socket.subscribe(availabilityChanged, { skus }, {
      next: ({ availabilityChanged }) => this.take(availabilityChanged),
      error: onError,
      complete: () => {},
    });
  }
}
