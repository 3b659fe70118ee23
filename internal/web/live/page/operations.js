// All that this page asks of Holdfast.

const availability = `
fragment Stock on Availability {
  sku
  total
  reserved
  allocated
  available
  version
  locations {
    location
    total
    reserved
    allocated
    available
  }
}
`;

const reservation = `
fragment Hold on Reservation {
  id
  status
  createdAt
  expiresAt
  lines {
    sku
    location
    quantity
    product {
      name
    }
  }
}
`;

// The SKUs of a board: the first ones, or those that a search finds.
export const findSkus = `
query FindSkus($first: Int!, $filter: SkuFilter) {
  skus(first: $first, filter: $filter) {
    edges {
      node {
        sku
        name
        availability {
          ...Stock
        }
      }
    }
    pageInfo {
      hasNextPage
    }
  }
}
${availability}`;

// One SKU of a board that names what it shows.
export const oneSku = `
query OneSku($sku: String!) {
  sku(sku: $sku) {
    sku
    name
    availability {
      ...Stock
    }
  }
}
${availability}`;

// One subscription for the whole board.
export const availabilityChanged = `
subscription Board($skus: [String!]!) {
  availabilityChanged(skus: $skus) {
    ...Stock
  }
}
${availability}`;

export const reservationChanged = `
subscription Hold($id: ID!) {
  reservationChanged(id: $id) {
    ...Hold
  }
}
${reservation}`;

// What this page holds already: it was loaded anew.
export const holdsOf = `
query HoldsOf($holder: String!) {
  reservations(first: 40, filter: {holder: $holder, status: HELD}) {
    edges {
      node {
        ...Hold
      }
    }
  }
}
${reservation}`;

export const createHold = `
mutation CreateHold($input: CreateHoldInput!) {
  createHold(input: $input) {
    reservation {
      ...Hold
    }
    userErrors {
      code
      message
      ... on InsufficientStockError {
        available
        nextExpiryAt
      }
    }
  }
}
${reservation}`;

// The three things that can be done with a hold. Where the hold has gone another
// way already, the refusal brings it as it is.
const refusal = `
fragment Refusal on UserError {
  code
  message
  ... on InvalidStateError {
    reservation {
      ...Hold
    }
  }
}
`;

export const convertHold = `
mutation ConvertHold($input: ConvertHoldInput!) {
  convertHold(input: $input) {
    reservation {
      ...Hold
    }
    userErrors {
      ...Refusal
    }
  }
}
${refusal}${reservation}`;

export const releaseHold = `
mutation ReleaseHold($input: ReleaseHoldInput!) {
  releaseHold(input: $input) {
    reservation {
      ...Hold
    }
    userErrors {
      ...Refusal
    }
  }
}
${refusal}${reservation}`;

export const extendHold = `
mutation ExtendHold($input: ExtendHoldInput!) {
  extendHold(input: $input) {
    reservation {
      ...Hold
    }
    userErrors {
      ...Refusal
    }
  }
}
${refusal}${reservation}`;
