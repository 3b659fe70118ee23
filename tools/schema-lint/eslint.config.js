import plugin from '@graphql-eslint/eslint-plugin';

export default [{
  files: ['**/*.graphqls'],
  languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphqls' } } },
  linterOptions: { reportUnusedDisableDirectives: 'error' },
  plugins: { '@graphql-eslint': plugin },
  rules: {
    ...plugin.configs['flat/schema-recommended'].rules,
    ...plugin.configs['flat/schema-relay'].rules,

    // A sentence reads best on one line; only paragraphs take three quotes.
    '@graphql-eslint/description-style': 'off',

    // `Node` would promise a `node(id:)`. Lists that are no connections are bounded, and come whole.
    '@graphql-eslint/relay-edge-types': ['error', { shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],

    // Pages are read in one direction; Relay leaves that open.
    '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],

    // What has no identity of its own is part of an answer, or of what has one.
    '@graphql-eslint/strict-id-in-types': ['error', {
      exceptions: {
        suffixes: ['Connection', 'Edge', 'Error', 'Payload'],
        types: ['ConsistencyIssue', 'ConsistencyReport', 'PageInfo', 'PastAvailability', 'ReservationLine'],
      },
    }],
  },
}];
