//! The `scoregate` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    scoregate::cli::main()
}
