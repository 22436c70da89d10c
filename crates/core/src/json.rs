//! I-JSON (RFC 7493) that preserves the order of members and every digit of a number.

mod draft; // an object as text, member by member
mod find; // values inside a text, without a tree
mod members; // the members of an object as texts
mod number; // decimal digits, compared by value
mod object; // the members of an object
mod parse; // text to tree, or text only checked
mod pointer; // RFC 6901
mod scan; // through a text, token by token
mod value; // the tree

pub use draft::{Draft, RawText, ToText};
pub use find::{compact, find, items};
pub use members::Members;
pub(crate) use members::write_member;
pub use number::Number;
pub use object::Object;
pub use parse::{
    MAX_DEPTH, SyntaxError, check, check_enclosing, check_object, parse, parse_enclosing,
};
pub use pointer::{Pointer, PointerError};
pub use value::{Type, Value, object};
