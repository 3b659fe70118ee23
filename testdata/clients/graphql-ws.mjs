// What graphql-ws promises its users, against a server that allows three
// subscriptions on a connection and four connections.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const url = process.argv[2].replace('http', 'ws') + '/graphql';
const watch = 'subscription ($skus: [String!]!) { availabilityChanged(skus: $skus) { sku available version } }';
const watchHold = 'subscription ($id: ID!) { reservationChanged(id: $id) { status } }';

// connect returns a client that is gone when its test is.
async function connect(t, options) {
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, lazyCloseTimeout: 1000, ...options });
  let closed;
  client.on('connected', () => { closed = new Promise((done) => client.on('closed', done)); });
  t.after(async () => { await client.dispose(); await closed; });
  return client;
}

async function ask(client, query, variables) {
  const answers = [];
  for await (const answer of client.iterate({ query, variables })) answers.push(answer);
  assert.equal(answers.length, 1, 'a query or mutation has one answer, and then ends');
  assert.equal(answers[0].errors, undefined);
  return answers[0].data;
}

async function createSku(client, initialStock) {
  const sku = randomUUID();
  const { createSku } = await ask(client,
    'mutation ($input: CreateSkuInput!) { createSku(input: $input) { sku { sku } userErrors { message } } }',
    { input: { sku, name: sku, initialStock } });
  assert.deepEqual(createSku, { sku: { sku }, userErrors: [] });
  return sku;
}

async function createHold(client, sku) {
  const { createHold } = await ask(client,
    'mutation ($input: CreateHoldInput!) { createHold(input: $input) { reservation { id } } }',
    { input: { clientToken: randomUUID(), lines: [{ sku, quantity: 1 }] } });
  return createHold.reservation.id;
}

// follow subscribes with callbacks, and has each call waiting for next.
function follow(client, query, variables) {
  const calls = [], waiting = [];
  const add = (...call) => { const first = waiting.shift(); first ? first(call) : calls.push(call); };
  const unsubscribe = client.subscribe({ query, variables }, {
    next: (value) => add('next', value), error: (error) => add('error', error), complete: () => add('complete'),
  });
  return { unsubscribe, next: async () => calls.shift() ?? new Promise((told) => waiting.push(told)) };
}

const present = (sku, available, version) => ['next', { data: { availabilityChanged: { sku, available, version } } }];

test('queries and mutations have one answer', async (t) => {
  const client = await connect(t);
  const sku = await createSku(client, 3);
  assert.deepEqual(await ask(client, 'query ($skus: [String!]!) { availability(skus: $skus) { available } }', { skus: [sku] }),
    { availability: [{ available: 3 }] });
});

test('a subscription delivers until it is unsubscribed, and its id can then be used again', async (t) => {
  const client = await connect(t, { generateID: ({ query }) => (query === watch ? 'the same' : randomUUID()) });
  const sku = await createSku(client, 3);
  for (const [available, version] of [[3, 1], [2, 2]]) {
    const watched = follow(client, watch, { skus: [sku] });
    assert.deepEqual(await watched.next(), present(sku, available, version));
    await createHold(client, sku);
    assert.deepEqual(await watched.next(), present(sku, available - 1, version + 1));
    watched.unsubscribe();
    assert.deepEqual(await watched.next(), ['complete']);
  }
});

test('an iterator that is returned from ends its subscription', async (t) => {
  const client = await connect(t, { generateID: ({ query }) => (query === watch ? 'the same' : randomUUID()) });
  const sku = await createSku(client, 3);
  for (let turn = 0; turn < 2; turn++) {
    const changes = client.iterate({ query: watch, variables: { skus: [sku] } });
    assert.deepEqual((await changes.next()).value, present(sku, 3, 1)[1]);
    assert.equal((await changes.return()).done, true);
  }
});

test('a reservation completes once it is no longer held', async (t) => {
  const client = await connect(t);
  const id = await createHold(client, await createSku(client, 3));
  const watched = follow(client, watchHold, { id });
  assert.deepEqual(await watched.next(), ['next', { data: { reservationChanged: { status: 'HELD' } } }]);
  await ask(client, 'mutation ($id: ID!) { releaseHold(input: { reservationId: $id }) { replayed } }', { id });
  assert.deepEqual(await watched.next(), ['next', { data: { reservationChanged: { status: 'RELEASED' } } }]);
  assert.deepEqual(await watched.next(), ['complete']);
});

test('an unknown SKU is an event with errors, and completes', async (t) => {
  const watched = follow(await connect(t), watch, { skus: ['UNKNOWN'] });
  const [call, { data, errors }] = await watched.next();
  assert.deepEqual([call, data], ['next', undefined]);
  assert.deepEqual(errors[0].extensions, { code: 'BAD_USER_INPUT', field: ['skus', '0'] });
  assert.deepEqual(await watched.next(), ['complete']);
});

test('what is refused as it stands goes to the error callback, and out of the iterator', async (t) => {
  const client = await connect(t);
  for (const [query, code] of [['subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'], ['subscription {', 'GRAPHQL_PARSE_FAILED']]) {
    const [call, errors] = await follow(client, query).next();
    assert.deepEqual([call, errors[0].extensions.code], ['error', code]);
    await assert.rejects(client.iterate({ query }).next(), (thrown) => thrown[0].extensions.code === code);
  }
});

test('subscriptions share a connection, and one too many leaves the others alone', async (t) => {
  let connections = 0;
  const client = await connect(t, { on: { connected: () => connections++ } });
  const sku = await createSku(client, 3);
  const watched = [1, 2, 3].map(() => follow(client, watch, { skus: [sku] }));
  for (const one of watched) assert.deepEqual(await one.next(), present(sku, 3, 1));
  const [call, errors] = await follow(client, watch, { skus: [sku] }).next();
  assert.deepEqual([call, errors[0].extensions.code], ['error', 'LIMIT_EXCEEDED']);
  watched.pop().unsubscribe();
  await createHold(client, sku);
  for (const one of watched) assert.deepEqual(await one.next(), present(sku, 2, 2));
  assert.equal(connections, 1);
});

test('a connection too many is refused', async (t) => {
  const sku = await createSku(await connect(t), 3);
  const first = await Promise.all([1, 2, 3, 4].map(async () => follow(await connect(t), watch, { skus: [sku] }).next()));
  const refused = first.filter(([call]) => call === 'error');
  assert.deepEqual(refused.map(([, error]) => error.message), ['Unexpected server response: 503']);
});

test('pings are answered', async (t) => {
  const client = await connect(t, { keepAlive: 10 });
  const answered = new Promise((pong) => client.on('pong', (received) => { if (received) pong(true); }));
  await createSku(client, 1);
  assert.equal(await answered, true);
});

test('a broken connection is taken up again as often as the options say', async (t) => {
  const retried = [];
  const client = await connect(t, { retryAttempts: 1, shouldRetry: () => true, retryWait: async (n) => { retried.push(n); } });
  const sku = await createSku(client, 3);
  const watched = follow(client, watch, { skus: [sku] });
  assert.deepEqual(await watched.next(), present(sku, 3, 1));
  client.terminate();
  assert.deepEqual(await watched.next(), present(sku, 3, 1));
  assert.deepEqual(retried, [0]);

  const impatient = await connect(t);
  const given = follow(impatient, watch, { skus: [sku] });
  assert.deepEqual(await given.next(), present(sku, 3, 1));
  impatient.terminate();
  const [call, error] = await given.next();
  assert.deepEqual([call, error.code], ['error', 4499]);
});
