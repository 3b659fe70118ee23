// The tabs that a first visit opens: those of a shop in the order in which a
// newcomer would try them, then those of its admin. GraphiQL names a tab after
// its operation. Each variables text is JSON, in which {{token}} stands for a
// client token made for this visit.
export const examples = [
  {
    query: `# Put a SKU on the shelf, with 10 units in stock.
# Run it with Ctrl-Enter or the pink button.

mutation CreateSku($input: CreateSkuInput!) {
  createSku(input: $input) {
    sku {
      sku
      name
      availability {
        available
      }
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: `{
  "input": {
    "sku": "MUG-BLUE",
    "name": "Blue mug",
    "initialStock": 10
  }
}
`,
  },
  {
    query: `# What a storefront asks. A SKU that isn't known is null.

query CheckStock($skus: [String!]!) {
  availability(skus: $skus) {
    sku
    total
    reserved
    allocated
    available
    locations {
      location
      available
    }
  }
}
`,
    variables: `{
  "skus": ["MUG-BLUE", "NO-SUCH-SKU"]
}
`,
  },
  {
    query: `# Hold 2 units while a customer pays.
# Run it twice: the client token names one attempt, so
# the second answer is the same reservation, with
# replayed: true. Another token makes another hold.

mutation Hold($input: CreateHoldInput!) {
  createHold(input: $input) {
    reservation {
      id
      status
      expiresAt
      lines {
        sku
        location
        quantity
      }
    }
    replayed
    userErrors {
      code
      message
      ... on InsufficientStockError {
        sku
        requested
        available
      }
    }
  }
}
`,
    variables: `{
  "input": {
    "clientToken": "{{token}}",
    "lines": [{ "sku": "MUG-BLUE", "quantity": 2 }],
    "ttlSeconds": 900
  }
}
`,
  },
  {
    query: `# The customer has paid: the units are theirs.
# Copy the reservation's id from the Hold tab's answer.

mutation Convert($input: ConvertHoldInput!) {
  convertHold(input: $input) {
    reservation {
      id
      status
      completedAt
    }
    replayed
    userErrors {
      code
      message
      ... on InvalidStateError {
        status
      }
    }
  }
}
`,
    variables: `{
  "input": {
    "reservationId": "the id of a hold"
  }
}
`,
  },
  {
    query: `# The customer has left: the units can be sold again.
# A hold ends once. To have one to release, change the
# client token in the Hold tab, run it, and copy the new
# reservation's id.

mutation Release($input: ReleaseHoldInput!) {
  releaseHold(input: $input) {
    reservation {
      id
      status
      completedAt
    }
    replayed
    userErrors {
      code
      message
      ... on InvalidStateError {
        status
      }
    }
  }
}
`,
    variables: `{
  "input": {
    "reservationId": "the id of a hold"
  }
}
`,
  },
  {
    query: `# The state now, then every change. Leave it running,
# open the Playground in a second window, and hold
# something there.

subscription WatchSku($skus: [String!]!) {
  availabilityChanged(skus: $skus) {
    sku
    reserved
    allocated
    available
    version
    updatedAt
  }
}
`,
    variables: `{
  "skus": ["MUG-BLUE"]
}
`,
  },
  {
    query: `# More than there is: refused as data, with what is
# short, and nothing changes.

mutation RefusedOversell($input: CreateHoldInput!) {
  createHold(input: $input) {
    reservation {
      id
    }
    userErrors {
      code
      message
      field
      ... on InsufficientStockError {
        sku
        requested
        available
        nextExpiryAt
      }
    }
  }
}
`,
    variables: `{
  "input": {
    "clientToken": "{{token}}",
    "lines": [{ "sku": "MUG-BLUE", "quantity": 1000 }]
  }
}
`,
  },
  {
    query: `# The catalogue: what begins with these words and runs
# low. Leave the filter out for all of it.

query FindSkus($filter: SkuFilter) {
  skus(first: 20, filter: $filter) {
    edges {
      node {
        sku
        name
        availability {
          available
          locations {
            location
            available
          }
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: `{
  "filter": {
    "search": "mug",
    "belowAvailable": 20
  }
}
`,
  },
  {
    query: `# After a count: so many there are. A location other than
# default is made with createLocation first.

mutation SetStock($input: SetStockInput!) {
  setStock(input: $input) {
    stockLevel {
      location
      total
      available
      version
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: `{
  "input": {
    "clientToken": "{{token}}",
    "sku": "MUG-BLUE",
    "total": 12,
    "reason": "CORRECTION"
  }
}
`,
  },
  {
    query: `# Who has claimed what, the newest first.

query Reservations($filter: ReservationFilter) {
  reservations(first: 20, filter: $filter) {
    edges {
      node {
        id
        status
        createdAt
        expiresAt
        holder
        reference
        lines {
          location
          quantity
          product {
            sku
            name
          }
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: `{
  "filter": {
    "sku": "MUG-BLUE"
  }
}
`,
  },
  {
    query: `# The units have left: they are on their way.
# Copy the id of a converted reservation. cancelAllocation
# gives the units back instead.

mutation Fulfill($input: FulfillAllocationInput!) {
  fulfillAllocation(input: $input) {
    reservation {
      id
      status
    }
    replayed
    userErrors {
      code
      message
    }
  }
}
`,
    variables: `{
  "input": {
    "reservationId": "the id of an allocation"
  }
}
`,
  },
  {
    query: `# Every change of a SKU's stock, and what it was for.

query AuditLog($filter: AuditEntryFilter) {
  auditLog(first: 20, filter: $filter) {
    edges {
      node {
        at
        action
        totalDelta
        reservedDelta
        allocatedDelta
        total
        reserved
        allocated
        actor
        reservation {
          id
          status
          reference
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: `{
  "filter": {
    "sku": "MUG-BLUE"
  }
}
`,
  },
  {
    query: `# What the stock was at a moment that is past. Put one
# in from the audit log.

query ThePast($skus: [String!]!, $at: DateTime!) {
  availabilityAt(skus: $skus, at: $at) {
    sku
    total
    reserved
    allocated
    available
  }
}
`,
    variables: `{
  "skus": ["MUG-BLUE"],
  "at": "2026-01-31T12:00:00Z"
}
`,
  },
  {
    query: `# Check everything, and keep a record of it. With
# repair: true, counters that drifted are set right.

mutation Reconcile($input: ReconcileInput!) {
  reconcile(input: $input) {
    run {
      id
      isConsistent
      repaired
      issues {
        invariant
        detail
        repairable
      }
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: `{
  "input": {
    "repair": false
  }
}
`,
  },
];
