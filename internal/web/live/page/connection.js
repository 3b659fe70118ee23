import { element } from './element.js';

const words = {
  connecting: 'Connecting',
  live: 'Live',
  restarting: 'Server restarting',
  reconnecting: 'Reconnecting',
  refused: 'Not connected',
};

// Connection says whether what the board shows is what is so now.
export class Connection {
  #root;
  #state = element('span', { className: 'state', role: 'status' });
  #since = element('span', { className: 'since' });
  #lastChange;

  constructor(root) {
    this.#root = root;
    root.append(element('span', { className: 'dot', ariaHidden: 'true' }), this.#state, this.#since);
  }

  show(state) {
    this.#state.textContent = words[state];
    document.body.dataset.connection = state;
  }

  changed() {
    this.#lastChange = Date.now();
    this.tick();
  }

  tick() {
    if (this.#lastChange) {
      this.#since.textContent = `changed ${ago(Date.now() - this.#lastChange)}`;
    }
  }
}

function ago(milliseconds) {
  const seconds = Math.floor(milliseconds / 1_000);
  if (seconds < 2) {
    return 'just now';
  }
  return seconds < 60 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`;
}
