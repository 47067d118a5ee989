//! The `costate` command.

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    costate::cli::run(Instant::now())
}
