//! The command `npx outlast`.

use napi_derive::napi;

/// Runs the command with these arguments, on this thread, and gives the exit code.
#[napi]
pub fn command_line(args: Vec<String>) -> i32 {
    outlast::command_line::run(args)
}
