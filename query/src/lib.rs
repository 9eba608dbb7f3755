//! The query language of binq: jq, over decoded nodes as well as over JSON.
//!
//! ```
//! use binq_query::{Context, Query, Settings, V};
//!
//! let query = Query::compile(".a + $b", &Settings { vars: &["b".into()], ..Settings::default() }).unwrap();
//! let cx = Context::new(binq_core::Registry::new(vec![]));
//! let input = binq_query::json::parse(br#"{"a": 1}"#).unwrap();
//! let out: Vec<V> = query.run(&cx, input, vec![V::size(2)]).map(|r| r.unwrap()).collect();
//! assert_eq!(out, [V::size(3)]);
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod compile;
mod constants;
mod fns;
mod fuse;
pub mod json;
mod modules;
mod prelude;
mod report;
mod rewrite;
mod run;
mod stack;
mod syntax;
pub mod value;

pub use compile::{Query, Settings};
pub use report::{CompileError, CompileErrors};
pub use run::{Context, Message, Outputs, Stop, on_stack};
pub use value::V;
