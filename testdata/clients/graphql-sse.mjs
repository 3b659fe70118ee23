// What graphql-sse promises its users, against a server that allows four
// connections.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createClient, NetworkError } from 'graphql-sse';

const url = process.argv[2] + '/graphql';
const watch = 'subscription ($skus: [String!]!) { availabilityChanged(skus: $skus) { sku available version } }';
const watchHold = 'subscription ($id: ID!) { reservationChanged(id: $id) { status } }';

// A connection that was left counts until the server has seen it.
const patient = { retryAttempts: 50, retry: () => new Promise((wait) => setTimeout(wait, 10)) };

function connect(t, options = patient) {
  const client = createClient({ url, ...options });
  t.after(() => client.dispose());
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

const present = (sku, available, version) => ({ data: { availabilityChanged: { sku, available, version } } });

test('queries and mutations have one answer', async (t) => {
  const client = connect(t);
  const sku = await createSku(client, 3);
  assert.deepEqual(await ask(client, 'query ($skus: [String!]!) { availability(skus: $skus) { available } }', { skus: [sku] }),
    { availability: [{ available: 3 }] });
});

test('a subscription delivers until it is unsubscribed, and its connection is then free', async (t) => {
  const client = connect(t);
  const sku = await createSku(client, 10);
  for (let turn = 0; turn < 6; turn++) {
    const values = [];
    await new Promise((done, failed) => {
      const unsubscribe = client.subscribe({ query: watch, variables: { skus: [sku] } }, {
        next(value) {
          values.push(value);
          if (values.length === 1) createHold(client, sku).catch(failed);
          else unsubscribe();
        },
        error: failed,
        complete: done,
      });
    });
    assert.deepEqual(values, [present(sku, 10 - turn, 1 + turn), present(sku, 9 - turn, 2 + turn)]);
  }
});

test('an iterator that is returned from ends its subscription', async (t) => {
  const client = connect(t);
  const sku = await createSku(client, 3);
  for (let turn = 0; turn < 6; turn++) {
    const changes = client.iterate({ query: watch, variables: { skus: [sku] } });
    assert.deepEqual((await changes.next()).value, present(sku, 3, 1));
    assert.equal((await changes.return()).done, true);
  }
});

test('a reservation completes once it is no longer held', async (t) => {
  const client = connect(t);
  const id = await createHold(client, await createSku(client, 3));
  const changes = client.iterate({ query: watchHold, variables: { id } });
  assert.deepEqual((await changes.next()).value, { data: { reservationChanged: { status: 'HELD' } } });
  await ask(client, 'mutation ($id: ID!) { releaseHold(input: { reservationId: $id }) { replayed } }', { id });
  assert.deepEqual((await changes.next()).value, { data: { reservationChanged: { status: 'RELEASED' } } });
  assert.equal((await changes.next()).done, true);
});

test('all refusals are an event with errors, and complete', async (t) => {
  const client = connect(t);
  for (const [query, code] of [
    ['subscription { availabilityChanged(skus: ["UNKNOWN"]) { sku } }', 'BAD_USER_INPUT'],
    ['subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription {', 'GRAPHQL_PARSE_FAILED'],
  ]) {
    const changes = client.iterate({ query });
    assert.equal((await changes.next()).value.errors[0].extensions.code, code);
    assert.equal((await changes.next()).done, true);
  }
});

test('a connection too many is refused, after as many tries as the options say', async (t) => {
  const client = connect(t);
  const sku = await createSku(client, 3);
  const request = { query: watch, variables: { skus: [sku] } };
  const open = [1, 2, 3, 4].map(() => client.iterate(request));
  for (const one of open) assert.deepEqual((await one.next()).value, present(sku, 3, 1));

  const tries = [];
  const refused = connect(t, { retryAttempts: 2, retry: async () => {}, on: { connecting: (again) => tries.push(again) } });
  await assert.rejects(refused.iterate(request).next(), (error) => error instanceof NetworkError && error.response.status === 503);
  assert.deepEqual(tries, [false, true, true]);
  const freed = connect(t).iterate(request);
  await open[0].return();
  assert.deepEqual((await freed.next()).value, present(sku, 3, 1));
});
