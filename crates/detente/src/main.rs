use std::process::ExitCode;

use clap::Parser;
use detente::command::{self, Arguments};

// Many small allocations from several threads: measurably faster than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match command::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("detente: {failure}");
            failure.exit_code()
        }
    }
}
