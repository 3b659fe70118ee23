import { countdown } from './clock.js';
import { animate, element, number } from './element.js';

const QUANTITY_MAX = 1_000_000;
const MESSAGE_TIME = 8_000; // milliseconds
// A tile with more locations than this shows them when it is asked to.
const LOCATIONS_OPEN_MAX = 4;

const counters = ['available', 'reserved', 'allocated'];

// Tile shows one SKU. hold is called with the SKU and a quantity, and returns
// why it was refused.
export class Tile {
  #sku;
  #hold;
  #clock;
  #quantity = 1;
  #isBusy = false;
  #message = null;

  constructor({ sku, name }, { hold, clock }) {
    this.#sku = sku;
    this.#hold = hold;
    this.#clock = clock;

    this.available = element('span', { className: 'available' });
    this.delta = element('span', { className: 'delta', ariaHidden: 'true' });
    this.bar = element('div', { className: 'bar', ariaHidden: 'true' },
      ...counters.map((counter) => element('span', { className: `part ${counter}-part` })));
    this.total = element('span', { className: 'total' });
    this.counters = Object.fromEntries(['reserved', 'allocated']
      .map((counter) => [counter, element('dd', { className: counter })]));
    this.locations = element('details', { className: 'locations', hidden: true },
      element('summary'), element('ul'));
    // Only what is said once is read out, and not each second that passes.
    this.words = element('span', { role: 'status' });
    this.wait = element('span', { role: 'timer' });
    this.message = element('p', { className: 'message' }, this.words, this.wait);
    this.fewer = element('button', {
      type: 'button', className: 'fewer', textContent: '−', ariaLabel: 'One fewer', onclick: () => this.#step(-1),
    });
    this.more = element('button', {
      type: 'button', className: 'more', textContent: '+', ariaLabel: 'One more', onclick: () => this.#step(1),
    });
    this.button = element('button', { type: 'button', className: 'place', onclick: () => this.#place() });

    this.root = element('article', { className: 'tile' },
      element('header', {},
        element('h2', { textContent: name }),
        element('a', {
          className: 'sku', href: '?' + new URLSearchParams({ sku }), textContent: sku, title: 'Show this SKU alone',
        })),
      element('p', { className: 'figure' }, this.available,
        element('span', { className: 'unit' }, ' available ', element('span', {}, 'of ', this.total)), this.delta),
      this.bar,
      element('dl', { className: 'counters' }, ...Object.entries(this.counters).map(([counter, value]) =>
        element('div', { className: `${counter}-key` }, element('dt', { textContent: counter }), value))),
      this.locations,
      this.message,
      element('div', { className: 'stepper', role: 'group', ariaLabel: `Hold ${name}` },
        this.fewer, this.button, this.more));
    this.root.dataset.sku = sku;
    this.#step(0);
  }

  // show has the counters move to an availability, from the one before it.
  show(availability, before) {
    this.available.textContent = number(availability.available);
    this.available.style.setProperty('--digits', this.available.textContent.length);
    this.root.dataset.level = level(availability);
    this.total.textContent = number(availability.total);
    for (const [counter, value] of Object.entries(this.counters)) {
      value.textContent = number(availability[counter]);
    }
    fill(this.bar, availability);
    this.#showLocations(availability.locations);
    if (before && before.available !== availability.available) {
      this.#flash(availability.available - before.available);
    }
    if (before?.available < availability.available) {
      // What was refused may well be had now.
      this.#unsay();
    }
  }

  // tick is called several times a second.
  tick() {
    if (!this.#message) {
      return;
    }
    const { nextExpiryAt, until } = this.#message;
    const left = nextExpiryAt ? this.#clock.until(nextExpiryAt) : 0;
    this.wait.textContent = left > 0 ? ` A hold ends in ${countdown(left)}.` : '';
    if (Date.now() > until && left <= 0) {
      this.#unsay();
    }
  }

  #showLocations(locations) {
    const [summary, list] = this.locations.children;
    if (this.locations.hidden && locations.length > 1) {
      this.locations.hidden = false;
      this.locations.open = locations.length <= LOCATIONS_OPEN_MAX;
    }
    summary.textContent = `${locations.length} locations`;
    list.replaceChildren(...locations.map((each) => {
      const bar = element('span', { className: 'bar', ariaHidden: 'true' },
        ...counters.map((counter) => element('span', { className: `part ${counter}-part` })));
      fill(bar, each);
      return element('li', {},
        element('span', { className: 'location', textContent: each.location }), bar,
        element('span', { className: 'location-available', textContent: number(each.available) }));
    }));
  }

  #flash(delta) {
    const direction = delta > 0 ? 'up' : 'down';
    this.delta.textContent = (delta > 0 ? '+' : '−') + number(Math.abs(delta));
    this.delta.dataset.direction = direction;
    animate(this.delta, [{ opacity: 1 }, { opacity: 1, offset: 0.7 }, { opacity: 0 }], 2_000);
    const color = getComputedStyle(this.root).getPropertyValue(`--${direction}`);
    animate(this.available, [{ color }, {}], 1_200);
    animate(this.root, [{ borderColor: color }, {}], 1_200);
  }

  #step(by) {
    this.#quantity = Math.min(QUANTITY_MAX, Math.max(1, this.#quantity + by));
    this.button.textContent = `Hold ${number(this.#quantity)}`;
    this.fewer.ariaDisabled = String(this.#quantity === 1);
  }

  async #place() {
    if (this.#isBusy) {
      return;
    }
    this.#isBusy = true;
    this.button.ariaBusy = 'true';
    this.#unsay();
    const quantity = this.#quantity;
    try {
      const [refusal] = await this.#hold(this.#sku, quantity);
      if (refusal) {
        this.#say('refused', inWords(refusal), refusal.nextExpiryAt);
      } else {
        this.#say('done', `${number(quantity)} held.`);
      }
    } catch (fault) {
      this.#say('refused', fault.message);
    }
    this.#isBusy = false;
    this.button.ariaBusy = 'false';
  }

  #say(kind, text, nextExpiryAt) {
    this.#message = { nextExpiryAt, until: Date.now() + MESSAGE_TIME };
    this.message.dataset.kind = kind;
    this.words.textContent = text;
    this.tick();
  }

  #unsay() {
    this.#message = null;
    this.words.textContent = this.wait.textContent = '';
  }
}

function level({ available, total }) {
  if (available <= 0) {
    return 'none';
  }
  return available <= Math.max(1, total / 10) ? 'low' : 'plenty';
}

function fill(bar, availability) {
  counters.forEach((counter, i) => {
    const part = bar.children[i];
    part.style.flexGrow = availability[counter];
    part.hidden = availability[counter] <= 0;
  });
}

function inWords({ code, message, available }) {
  if (code !== 'INSUFFICIENT_STOCK') {
    return message;
  }
  return available > 0 ? `Only ${number(available)} left.` : 'None left.';
}
