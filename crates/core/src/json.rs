//! I-JSON (RFC 7493) that keeps what was sent: member order, and every digit of a number.

mod find; // one value inside a text, without a tree
mod number; // decimal digits, compared by value
mod parse; // text to tree, or text checked and left alone
mod pointer; // RFC 6901
mod value; // the tree

pub use find::{compact, find};
pub use number::Number;
pub use parse::{MAX_DEPTH, SyntaxError, check, check_object, parse};
pub use pointer::{Pointer, PointerError};
pub use value::{Object, Type, Value, object};
