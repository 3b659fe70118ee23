// Queries and mutations: GraphQL over POST.

const ANSWER_MAX = 10_000; // milliseconds, as all times here
const PAUSES = [300, 1_200];

// Codes after which the same again may well succeed.
const passing = new Set(['OVERLOADED', 'UNKNOWN_OUTCOME', 'INTERNAL']);

// Fault is when there is no answer to a request. A refusal is an answer: it comes
// as data, in userErrors.
export class Fault extends Error {
  constructor(message, isPassing) {
    super(message);
    this.isPassing = isPassing;
  }
}

export async function query(url, text, variables) {
  let answer;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: text, variables }),
      signal: AbortSignal.timeout(ANSWER_MAX),
    });
    answer = await response.json();
  } catch {
    // None came, or none of Holdfast's: it is starting, and a proxy says so.
    throw new Fault('The server can’t be reached.', true);
  }
  if (answer.errors) {
    const [{ message, extensions }] = answer.errors;
    throw new Fault(message, passing.has(extensions?.code));
  }
  return answer.data;
}

// mutate sends one mutation, and once or twice more if the answer is lost on its
// way. The input stays the same, and in it the client token: however many of the
// attempts arrive, they have one effect. The endings of a hold need no token,
// because repeating the one that won is answered as if it were the first.
export async function mutate(url, text, input) {
  for (let attempt = 0; ; attempt++) {
    const isLast = attempt === PAUSES.length;
    try {
      const [payload] = Object.values(await query(url, text, { input }));
      if (isLast || !payload.userErrors.some(({ code }) => code === 'CONTENDED')) {
        return payload;
      }
    } catch (fault) {
      if (isLast || !fault.isPassing) {
        throw fault;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSES[attempt] * (0.5 + Math.random())));
  }
}

// newToken names one attempt. crypto.randomUUID would do, but is missing on
// pages that come by plain HTTP from another machine.
export function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return 'live-' + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
