//! The simulator, from outside.

mod shadow;
mod theory;
mod worlds;
