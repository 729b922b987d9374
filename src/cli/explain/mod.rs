//! `scoregate explain`: what would happen to a score, by the functions of the request path; or what
//! happened to a recorded one. Sends nothing and writes nothing.

mod entry;
mod origin;
mod question;
mod remains;
mod text;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::stop::Stop;
use crate::bounded::read;
use crate::config::{Config, load_to_read};
use crate::explanation::Explanation;
use crate::ledger::{Reader, Receipt, read_time};
use crate::line_item::LineItem;
use crate::score::Decimal;
use crate::stages::LONGEST_BODY;
use question::Question;
use remains::Remains;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Who submits: a caller's name, or `ISSUER/CLAIM`.
    #[arg(long, value_name = "NAME", required_unless_present = "receipt")]
    caller: Option<String>,
    /// The line item's id.
    #[arg(long, value_name = "URL", value_parser = read_line_item, required_unless_present = "receipt")]
    line_item: Option<LineItem>,
    /// When it arrives: an RFC 3339 time, or a date (UTC). Without it, now.
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    at: Option<Timestamp>,
    /// The line item's own maximum, which the gateway would read from LTIAAS.
    #[arg(long, value_name = "NUMBER", value_parser = read_maximum, allow_negative_numbers = true)]
    line_item_maximum: Option<Decimal>,
    /// Explain a recorded submission: what was decided then, not judged again.
    #[arg(long, value_name = "RECEIPT", conflicts_with_all = ["caller", "line_item", "at", "line_item_maximum", "file"])]
    receipt: Option<String>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// The score, as it would be submitted. Without it, stdin.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// What is printed.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Whole(Box<Explanation>),
    Remains(Box<Remains>),
}

pub fn run(arguments: &Arguments) -> io::Result<ExitCode> {
    match arguments.answer() {
        Ok(answer) => {
            let out = &mut io::stdout().lock();
            match (arguments.json, &answer) {
                (true, answer) => write_json(answer, out),
                (false, Answer::Whole(explanation)) => text::write(explanation, out),
                (false, Answer::Remains(remains)) => remains.write(out),
            }?;
            Ok(ExitCode::SUCCESS)
        }
        Err(stop) => stop.end(),
    }
}

fn write_json(answer: &Answer, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, answer)?;
    writeln!(out)
}

impl Arguments {
    fn answer(&self) -> Result<Answer, Stop> {
        let loaded = load_to_read(&self.config).map_err(|problems| Stop::finding(&problems))?;
        let config = &loaded.config;
        if let Some(receipt) = &self.receipt {
            return recorded(config, receipt);
        }
        let (Some(caller), Some(line_item)) = (&self.caller, &self.line_item) else {
            return Err(Stop::usage("--caller and --line-item are required"));
        };
        let question = Question {
            config,
            caller,
            line_item,
            at: self.at.unwrap_or_else(Timestamp::now),
            line_item_maximum: self.line_item_maximum,
            body: &self.body()?,
        };
        question.answer().map(Answer::whole)
    }

    /// One byte more than may be submitted shows that it is too long.
    fn body(&self) -> Result<Vec<u8>, Stop> {
        let read = match self.file.as_deref() {
            None => read(io::stdin().lock(), LONGEST_BODY),
            Some(file) => File::open(file).and_then(|file| read(file, LONGEST_BODY)),
        };
        let name = self.file.as_deref().unwrap_or(Path::new("stdin"));
        read.map_err(|cause| Stop::usage(format!("`{}` can't be read: {cause}", name.display())))
    }
}

impl Answer {
    fn whole(explanation: Explanation) -> Self {
        Self::Whole(Box::new(explanation))
    }
}

fn recorded(config: &Config, receipt: &str) -> Result<Answer, Stop> {
    let unknown = || Stop::Finding(format!("there is no entry with the receipt `{receipt}`"));
    let Ok(receipt) = Receipt::parse(receipt) else {
        return Err(unknown());
    };
    let Some(settings) = &config.ledger else {
        return Err(Stop::Finding(
            "there is no ledger (`ledger.url` is \"none\")".to_owned(),
        ));
    };
    let mut reader = Reader::open(settings).map_err(|cause| Stop::finding(&cause))?;
    let kept = reader
        .find(&receipt)
        .map_err(|cause| Stop::finding(&cause))?;
    let kept = kept.ok_or_else(unknown)?;
    Ok(match Remains::of(&kept) {
        Some(remains) => Answer::Remains(Box::new(remains)),
        None => Answer::whole(Explanation::recorded(&kept)),
    })
}

fn read_line_item(text: &str) -> Result<LineItem, String> {
    LineItem::parse(text).map_err(|cause| cause.to_string())
}

fn read_maximum(text: &str) -> Result<Decimal, String> {
    match Decimal::from_plain(text) {
        Ok(maximum) if maximum.is_negative() => Err("must not be negative".to_owned()),
        Ok(maximum) => Ok(maximum),
        Err(cause) => Err(cause.to_string()),
    }
}
