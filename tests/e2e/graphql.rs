//! GraphQL: the same use cases by fields.

mod matrix; // who may do what, by each field
mod races; // many writers, by mutations and by REST at once
mod sockets; // subscriptions, and operations over a WebSocket
