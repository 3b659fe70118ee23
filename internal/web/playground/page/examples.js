// The tabs that a first visit opens, in the order in which a newcomer would
// try them; GraphiQL names a tab after its operation. Each variables text is
// JSON, in which {{token}} stands for a client token made when the tab is opened,
// and {{now}} for the time of the visit.
export const examples = [
  {
    query: `# Put a SKU on the shelf, with 10 units in stock: first of
# all, for the other tabs sell it. Run it with Ctrl-Enter or
# the pink button.

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
# replayed: true. Another token makes another hold: this
# tab has a fresh one each time you come back to it.

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
# A hold ends once. To have one to release, go back to the
# Hold tab, which has a fresh client token then, run it, and
# copy the new reservation's id.

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
    query: `# The parcel has left: so have the units. Or the order is
# off: they come back. The button offers both. Copy the id
# of a reservation that you have converted.

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

mutation Cancel($input: CancelAllocationInput!) {
  cancelAllocation(input: $input) {
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
    query: `# Products by the beginnings of words in their code or name.
# Add "belowAvailable": 10 to the filter to see what is
# running low; {} is all there are.

query FindSkus($filter: SkuFilter) {
  skus(first: 20, filter: $filter) {
    edges {
      node {
        sku
        name
        metadata
        availability {
          available
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
  "filter": { "search": "mug blu" }
}
`,
  },
  {
    query: `# Somebody has counted: 50 mugs are in the warehouse. The
# location is made first; a second time it is there already,
# and the count is set all the same.

mutation Stocktake($location: CreateLocationInput!, $input: SetStockInput!) {
  createLocation(input: $location) {
    location {
      code
    }
    userErrors {
      code
      message
    }
  }
  setStock(input: $input) {
    stockLevel {
      location
      total
      available
      version
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
  "location": { "code": "warehouse", "name": "Warehouse" },
  "input": {
    "clientToken": "{{token}}",
    "sku": "MUG-BLUE",
    "location": "warehouse",
    "total": 50,
    "reason": "CORRECTION"
  }
}
`,
  },
  {
    query: `# Who claims a SKU, the newest first, and whether there is
# enough left. A status such as "HELD" narrows it down.

query Reservations($filter: ReservationFilter) {
  reservations(first: 20, filter: $filter) {
    edges {
      node {
        id
        status
        holder
        reference
        createdAt
        expiresAt
        lines {
          sku
          location
          quantity
          product {
            name
            availability {
              available
            }
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
  "filter": { "sku": "MUG-BLUE" }
}
`,
  },
  {
    query: `# What happened to a SKU, the newest first, and for which
# reservation.

query History($filter: AuditEntryFilter) {
  auditLog(first: 20, filter: $filter) {
    edges {
      node {
        at
        action
        location
        totalDelta
        reservedDelta
        allocatedDelta
        total
        reserved
        allocated
        actor
        reason
        product {
          name
        }
        reservation {
          id
          status
          holder
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
  "filter": { "sku": "MUG-BLUE" }
}
`,
  },
  {
    query: `# What the stock was at a moment; this one is when you first
# opened the page. It needs no snapshot, but the button offers
# to take one, a copy of all levels.

query Past($skus: [String!]!, $at: DateTime!) {
  availabilityAt(skus: $skus, at: $at) {
    sku
    total
    reserved
    allocated
    available
  }
  snapshots(first: 3) {
    edges {
      node {
        takenAt
        levelCount
      }
    }
  }
}

mutation Snapshot {
  takeSnapshot(input: {}) {
    snapshot {
      id
      takenAt
      levelCount
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: `{
  "skus": ["POSTER-A2", "TSHIRT-BLACK-M"],
  "at": "{{now}}"
}
`,
  },
  {
    query: `# Proves counters, reservations and log against each other,
# and keeps a record. With "repair": true it then sets right
# what has drifted. The button offers the records, too.

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

query Runs {
  reconciliationRuns(first: 10) {
    edges {
      node {
        id
        startedAt
        finishedAt
        actor
        reason
        isConsistent
        repaired
        issues {
          invariant
          detail
          repairable
        }
      }
    }
  }
}
`,
    variables: `{
  "input": { "repair": false, "reason": "a look round" }
}
`,
  },
];
