// A board of SKUs whose counters move as they change, and holds on them. It is
// an example as well: everything here is plain modules of the browser's own.
//
//   request.js     queries and mutations, over POST
//   socket.js      subscriptions, over WebSocket, through restarts
//   operations.js  what is asked
//   stock.js, holds.js, clock.js              what is known
//   tile.js, panel.js, connection.js          what is seen

import { Clock } from './clock.js';
import { Connection } from './connection.js';
import { element } from './element.js';
import { Holds } from './holds.js';
import { findSkus, oneSku } from './operations.js';
import { Panel } from './panel.js';
import { query } from './request.js';
import { Socket } from './socket.js';
import { Stock } from './stock.js';
import { Tile } from './tile.js';

const TILES = 24;
const NAMED_MAX = 50;
const TICK = 250; // milliseconds
const LOOK_AGAIN = 2_000;

const url = new URL(document.documentElement.dataset.endpoint, document.baseURI);
const socketUrl = new URL(url);
socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

const wanted = new URLSearchParams(location.search);
const search = (wanted.get('search') ?? '').trim();
const named = [...new Set(wanted.getAll('sku'))].slice(0, NAMED_MAX);

const board = document.querySelector('#board');
const notice = document.querySelector('#notice');
const ttl = document.querySelector('#ttl');
document.querySelector('#search').value = search;

const tiles = new Map();
const clock = new Clock();
const connection = new Connection(document.querySelector('#connection'));
const socket = new Socket(socketUrl, (state) => connection.show(state));
const stock = new Stock(socket, (availability, before) => {
  tiles.get(availability.sku).show(availability, before);
  if (before) {
    connection.changed();
  }
});
const holds = new Holds(url, socket, clock, (hold) => panel.show(hold));
const panel = new Panel(document.querySelector('#holds'), clock, holds);

// load returns the SKUs that the address asks for.
async function load() {
  if (named.length > 0) {
    const answers = await Promise.all(named.map((sku) => query(url, oneSku, { sku })));
    const found = answers.map(({ sku }) => sku).filter(Boolean);
    const unknown = named.filter((sku, i) => !answers[i].sku);
    return { found, note: unknown.length > 0 ? `Not known here: ${unknown.join(', ')}.` : '' };
  }
  const { skus } = await query(url, findSkus, { first: TILES, filter: search ? { search } : null });
  const found = skus.edges.map(({ node }) => node);
  if (search && found.length === 0) {
    return { found, note: `Nothing is called “${search}”.` };
  }
  return { found, note: skus.pageInfo.hasNextPage ? `These are the first ${TILES}. Search for others above.` : '' };
}

function show({ found, note }) {
  for (const sku of found) {
    const tile = new Tile(sku, { clock, hold: (code, quantity) => holds.create(code, quantity, Number(ttl.value)) });
    tiles.set(sku.sku, tile);
    board.append(tile.root);
    stock.take(sku.availability);
  }
  notice.replaceChildren(note);
  if (found.length > 0) {
    stock.follow(found.map(({ sku }) => sku), ([{ message }]) => notice.replaceChildren(message));
  }
}

// start fills the board. Where there is nothing yet, or no answer, it looks again
// until there is.
async function start() {
  try {
    const loaded = await load();
    await holds.restore();
    const isEmpty = loaded.found.length === 0 && !search && named.length === 0;
    document.querySelector('#empty').hidden = !isEmpty;
    if (!isEmpty) {
      show(loaded);
      return;
    }
    notice.replaceChildren();
  } catch (fault) {
    notice.replaceChildren(fault.message);
    if (!fault.isPassing) {
      return;
    }
  }
  setTimeout(start, LOOK_AGAIN);
}

setInterval(() => {
  tiles.forEach((tile) => tile.tick());
  panel.tick();
  connection.tick();
}, TICK);

start();
