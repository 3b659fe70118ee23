import { countdown } from './clock.js';
import { animate, element } from './element.js';

const EXTENSION = 60; // seconds
const HURRY = 10_000; // milliseconds
const ENDED_TIME = 6_000;

const outcomes = {
  ALLOCATED: 'Converted',
  RELEASED: 'Released',
  EXPIRED: 'Expired',
  FULFILLED: 'Fulfilled',
  CANCELLED: 'Cancelled',
};

// Panel lists the holds of this page. Its commands, convert, release and extend,
// return why they were refused.
export class Panel {
  #root;
  #cards = new Map();
  #clock;
  #commands;

  constructor(root, clock, commands) {
    this.#root = root;
    this.#clock = clock;
    this.#commands = commands;
  }

  show(hold) {
    let card = this.#cards.get(hold.id);
    if (!card) {
      card = new Card(hold, this.#clock, this.#commands);
      this.#cards.set(hold.id, card);
      const list = this.#root.querySelector('.list');
      list.prepend(card.root);
      list.scrollLeft = 0;
      this.#root.dataset.count = this.#cards.size;
      animate(card.root, [{ opacity: 0, transform: 'translateY(-0.5rem)' }, {}], 250);
    }
    card.show(hold);
    if (hold.status !== 'HELD') {
      this.#keepFocus(card);
      setTimeout(() => this.#remove(hold.id), ENDED_TIME);
    }
  }

  tick() {
    this.#cards.forEach((card) => card.tick());
  }

  async #remove(id) {
    const { root } = this.#cards.get(id);
    await animate(root, [{}, { opacity: 0 }], 600);
    root.remove();
    this.#cards.delete(id);
    this.#root.dataset.count = this.#cards.size;
  }

  // The buttons of a hold that ends go away, and the focus must not go with them.
  #keepFocus({ root }) {
    if (root.contains(document.activeElement)) {
      this.#root.querySelector('h2').focus();
    }
  }
}

class Card {
  #hold;
  #clock;
  // How long the hold lasts, or lasted when its deadline was last heard of.
  #span;

  constructor(hold, clock, commands) {
    this.#clock = clock;
    this.remaining = element('p', { className: 'countdown', role: 'timer' });
    this.drain = element('span');
    this.message = element('p', { className: 'message', role: 'status' });
    const command = (name, label, run) => element('button', {
      type: 'button', className: name, textContent: label, ariaLabel: `${label}: ${inWords(hold)}`,
      onclick: () => this.#run(run),
    });
    this.actions = element('div', { className: 'actions' },
      command('convert', 'Convert', () => commands.convert(hold.id)),
      command('extend', 'Extend', () => commands.extend(hold.id, EXTENSION + Math.max(0, Math.ceil(this.#left() / 1_000)))),
      command('release', 'Release', () => commands.release(hold.id)));
    this.root = element('li', { className: 'hold' },
      element('p', { className: 'what', textContent: inWords(hold) }),
      this.remaining,
      element('p', { className: 'where', textContent: whereFrom(hold) }),
      element('div', { className: 'drain', ariaHidden: 'true' }, this.drain),
      this.actions, this.message);
    this.root.dataset.id = hold.id;
  }

  show(hold) {
    this.#hold = hold;
    this.root.dataset.status = hold.status;
    this.#span = Math.max(this.#left(), 1);
    if (hold.status !== 'HELD') {
      this.remaining.textContent = '';
      this.actions.remove();
      this.drain.parentElement.remove();
      this.message.textContent = outcomes[hold.status];
      this.root.classList.remove('hurry');
    }
    this.tick();
  }

  tick() {
    if (this.#hold.status !== 'HELD') {
      return;
    }
    const left = Math.max(0, this.#left());
    const text = countdown(left);
    if (this.remaining.textContent !== text) {
      this.remaining.textContent = text;
    }
    this.drain.style.transform = `scaleX(${left / this.#span})`;
    this.root.classList.toggle('hurry', left <= HURRY);
  }

  #left() {
    return this.#clock.until(this.#hold.expiresAt);
  }

  async #run(command) {
    this.message.textContent = '';
    try {
      const [refusal] = await command();
      // A refusal by the state that the hold is in has brought that state, which
      // says it better.
      if (refusal && this.#hold.status === 'HELD') {
        this.message.textContent = refusal.message;
      }
    } catch (fault) {
      this.message.textContent = fault.message;
    }
  }
}

// inWords says what is held. A line that named no location may have been split.
function inWords({ lines }) {
  const quantity = lines.reduce((sum, line) => sum + line.quantity, 0);
  return `${quantity} × ${lines[0].product?.name ?? lines[0].sku}`;
}

function whereFrom({ lines }) {
  return 'from ' + lines.map(({ location, quantity }) =>
    (lines.length > 1 ? `${location} (${quantity})` : location)).join(', ');
}
