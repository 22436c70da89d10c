//! The closed loop: each connection sends its next request when the last one is answered.
//!
//! All of it runs on one thread, and a single request in the loop allocates nothing: what the driver spends, the server on the
//! same cores has not got.

mod batch; // many writes in one request
mod body; // a JSON document of 1 KiB, different at every edit
mod client; // reads and writes documents of its own
mod connection; // one keep-alive HTTP/1.1 connection
mod counter; // increments a shared document, trying again when it was refused
mod etcd; // etcd's HTTP gateway, in terms of documents and tags
mod latency; // how long requests took, as a histogram
mod load; // many clients, warmed up and then measured
mod random; // a small generator, seeded, so that runs are alike
mod request; // requests as bytes
mod response; // the head of a response
mod shared; // edits a document together with other clients, and has the server merge
mod site; // where documents are, and how they are spoken of there
mod tag; // an entity tag of fixed size
mod work; // what a client does in one step

pub(crate) use batch::BATCH;
pub(crate) use body::Body;
pub(crate) use client::DocumentClient;
pub(crate) use connection::Connection;
pub(crate) use counter::CounterClient;
pub(crate) use load::{Pace, Sample, run};
pub(crate) use random::Random;
pub(crate) use request::Requests;
pub(crate) use shared::{Edit, STRATEGIES, SharedClient, audit};
pub(crate) use site::{Dialect, Site};
pub(crate) use work::Work;
