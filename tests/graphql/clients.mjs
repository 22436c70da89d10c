/** Apollo Client and urql with one face, so that a story is told once and must hold for both. */
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client/core";
import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { parse } from "graphql";

/** `typePolicies`: the data of a document is a part of it, whatever members it has, and nothing of its own. */
const typePolicies = {
  ProductData: { keyFields: false },
  CustomerData: { keyFields: false },
};

export function apolloClient(server, { by, fetch, before = [] }) {
  const http = new HttpLink({ uri: server.graphql, fetch, headers: { "x-actor": by } });
  return new ApolloClient({
    link: ApolloLink.from([...before, http]),
    cache: new InMemoryCache({ typePolicies }),
  });
}

export function urqlClient(server, { by, fetch, before = [] }) {
  return new Client({
    url: server.graphql,
    // urql aborts requests whose answers it has read; under Node that rejects a promise which nobody has.
    fetch: (url, { signal: _, ...rest }) => fetch(url, rest),
    fetchOptions: { headers: { "x-actor": by } },
    exchanges: [cacheExchange, ...before, fetchExchange],
  });
}

/** By name: `read` and `write` resolve to data and errors, as the server said them. */
export const faces = {
  "Apollo Client": (server, options) => {
    const client = apolloClient(server, options);
    const told = ({ data, error }) => {
      if (error && !CombinedGraphQLErrors.is(error)) throw error;
      return { data, errors: error?.errors ?? [] };
    };
    return {
      read: async (text, variables) =>
        told(await client.query({ query: parse(text), variables, errorPolicy: "all", fetchPolicy: "network-only" })),
      write: async (text, variables) =>
        told(await client.mutate({ mutation: parse(text), variables, errorPolicy: "all" })),
    };
  },
  urql: (server, options) => {
    const client = urqlClient(server, options);
    const told = ({ data, error }) => {
      if (error?.networkError) throw error.networkError;
      return { data, errors: error?.graphQLErrors ?? [] };
    };
    return {
      read: async (text, variables) =>
        told(await client.query(text, variables, { requestPolicy: "network-only" }).toPromise()),
      write: async (text, variables) => told(await client.mutation(text, variables).toPromise()),
    };
  },
};
