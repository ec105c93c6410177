//! The simulator, from outside.
#![allow(clippy::print_stdout, reason = "those that hold what others have published say what they measured")]

mod shadow;
mod theory;
mod worlds;
