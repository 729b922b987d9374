//! The `scoregate` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A request takes memory some forty times (docs/decisions/0008).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    scoregate::cli::main()
}
