/* global GraphiQL, React, ReactDOM */

import { examples } from './examples.js';

// A token of ours is known by its form, so that it can be told from one that
// the reader typed.
const ownToken = /playground-[0-9a-f]{32}/g;

// crypto.randomUUID would do, but is missing on pages that come by plain HTTP
// from another machine.
function newToken() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return 'playground-' + Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// A token of before would answer a new hold with the old one. So each of ours
// gives way to a fresh one when its tab is opened; while it stays open, running
// it again is the same attempt.
function withFreshTokens(text, fresh) {
  const given = new Set(fresh.values());
  return text.replace(ownToken, (token) => {
    if (given.has(token)) {
      return token;
    }
    if (!fresh.has(token)) {
      fresh.set(token, newToken());
    }
    return fresh.get(token);
  });
}

// GraphiQL keeps tabs over a reload, the open one in several places, and finds
// it again by comparing them: they all get the same.
function refreshKept(storage) {
  const fresh = new Map();
  for (const key of ['graphiql:tabState', 'graphiql:query', 'graphiql:variables']) {
    const kept = storage.getItem(key);
    if (kept !== null) {
      storage.setItem(key, withFreshTokens(kept, fresh));
    }
  }
}

// FreshTokens shows nothing: it is where GraphiQL tells which tab is open. That
// may be before it puts the tab's variables into their editor, or again after it.
function FreshTokens() {
  const { activeTabIndex: opened, variableEditor } = GraphiQL.React.useEditorContext();
  const last = React.useRef(opened);
  React.useLayoutEffect(() => {
    if (last.current === opened || !variableEditor) { // who is quick opens a tab before there is an editor
      return undefined;
    }
    last.current = opened;
    const fresh = new Map();
    const refresh = () => {
      const text = variableEditor.getValue();
      const refreshed = withFreshTokens(text, fresh);
      if (refreshed !== text) {
        variableEditor.setValue(refreshed);
      }
    };
    const refreshWhatIsPut = (_, change) => {
      if (change?.origin === 'setValue') { // GraphiQL sends some of its own
        queueMicrotask(refresh);
      }
    };
    refresh();
    variableEditor.on('change', refreshWhatIsPut);
    return () => variableEditor.off('change', refreshWhatIsPut);
  }, [opened, variableEditor]);
  return null;
}

function exampleTabs() {
  const now = new Date().toISOString();
  return examples.map(({ query, variables }) => ({
    query,
    variables: variables.replace('{{token}}', newToken).replace('{{now}}', now),
  }));
}

// GraphiQL gives the tab that is open first its query from the tabs, but its
// variables from what it kept: on a first visit, nothing.
function openFirst(tab, storage) {
  if (storage.getItem('graphiql:tabState') === null) {
    storage.setItem('graphiql:query', tab.query);
    storage.setItem('graphiql:variables', tab.variables);
  }
}

const { endpoint, introspection } = document.documentElement.dataset;
const url = new URL(endpoint, document.baseURI);
const subscriptionUrl = new URL(url);
subscriptionUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

// Storage belongs to host and port, and others develop on port 8080 too.
const storage = GraphiQL.createLocalStorage({ namespace: 'holdfast' });
refreshKept(storage);
const tabs = exampleTabs();
openFirst(tabs[0], storage);

ReactDOM.createRoot(document.getElementById('playground')).render(
  React.createElement(
    GraphiQL,
    {
      fetcher: GraphiQL.createFetcher({ url: url.href, subscriptionUrl: subscriptionUrl.href }),
      // Where clients may not ask for the schema GraphiQL does without.
      schema: introspection === 'true' ? undefined : null,
      storage,
      defaultTabs: tabs,
      defaultEditorToolsVisibility: 'variables',
    },
    React.createElement(GraphiQL.Logo, null, 'Holdfast', React.createElement(FreshTokens)),
  ),
);
