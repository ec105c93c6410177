//! The admin API, from outside: what `lb` tells of itself, what it can be told, and who may not.

mod api;
mod document;
mod faults;
mod guard;
mod hand;
mod history;
mod many;
mod reloading;
mod resuming;
mod story;
mod stream;
mod traces;
