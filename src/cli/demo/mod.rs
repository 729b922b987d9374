//! `scoregate demo`: the gateway before a stand-in LTIAAS, in one process, with sample scores
//! submitted over real HTTP. Everything a newcomer sees here is what `run` does with a
//! configuration file.

mod client;
mod page;
mod samples;
mod stage;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use tokio::runtime::Builder;

use page::Page;
use samples::SAMPLES;
use stage::Stage;

#[derive(Debug, Args)]
pub struct Arguments {
    /// End after the samples, with exit code 0 if each was answered as it should be.
    #[arg(long)]
    once: bool,
}

type Cause = Box<dyn std::error::Error>;

pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(show(arguments.once)) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        Err(cause) => Err(kept(cause)),
    }
}

/// What could not be written stays what it is: nobody may be there to read it.
fn kept(cause: Cause) -> io::Error {
    match cause.downcast::<io::Error>() {
        Ok(cause) => *cause,
        Err(cause) => io::Error::other(cause.to_string()),
    }
}

/// Says whether every sample was answered as it should be.
async fn show(once: bool) -> Result<bool, Cause> {
    let stage = Stage::set().await?;
    let mut page = Page::new(io::stdout(), io::stdout().is_terminal());
    page.opening(&stage)?;
    let mut all_good = true;
    for (index, sample) in SAMPLES.iter().enumerate() {
        let shown = stage.submit(sample).await?;
        page.sample(index + 1, sample, &shown)?;
        all_good &= shown.answer.status == sample.status;
    }
    match all_good {
        true if once => {}
        true => {
            page.closing(&stage)?;
            tokio::signal::ctrl_c().await?;
        }
        false => writeln!(
            io::stderr(),
            "a sample was not answered as it should be: please report this"
        )?,
    }
    Ok(all_good)
}
