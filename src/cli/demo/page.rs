//! What the demo prints: plain text, 100 columns at most, colour on a terminal alone.

use std::fmt::Display;
use std::io::{self, Write};

use serde_json::Value;

use super::client::Answer;
use super::samples::Sample;
use super::stage::{Shown, Stage};

/// Columns of text behind a label.
const WIDTH: usize = 84;

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const YELLOW: &str = "33";

pub struct Page<W> {
    out: W,
    colour: bool,
}

impl<W: Write> Page<W> {
    pub fn new(out: W, colour: bool) -> Self {
        Self { out, colour }
    }

    pub fn opening(&mut self, stage: &Stage) -> io::Result<()> {
        self.line(BOLD, "scoregate demo")?;
        writeln!(
            self.out,
            "\n  stand-in LTIAAS   http://{}   one account, with an API key of its own",
            stage.ltiaas
        )?;
        writeln!(
            self.out,
            "  gateway           http://{}   one tool, quiz-app, with a gateway key",
            stage.gateway
        )?;
        writeln!(
            self.out,
            "  policy            maximum = {{ percent = 100, over = \"cap\" }}"
        )
    }

    pub fn sample(&mut self, number: usize, sample: &Sample, shown: &Shown) -> io::Result<()> {
        writeln!(self.out)?;
        self.line(BOLD, format_args!("{number}. {}", sample.title))?;
        self.line(DIM, format_args!("   {}", sample.point))?;
        self.entry("sent", sample.body)?;
        self.answer(&shown.answer)?;
        match &shown.received {
            Some(received) => self.entry("LTIAAS got", received),
            None => self.entry("LTIAAS got", "nothing"),
        }
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        let header = |name: &str| {
            answer
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let mut status = format!("{} {}", answer.status, answer.reason);
        for name in ["scoregate-decision", "scoregate-rules"] {
            header(name).inspect(|value| status.push_str(&format!("   {name}: {value}")));
        }
        let colour = if answer.status < 300 { GREEN } else { YELLOW };
        let status = self.coloured(colour, &status);
        writeln!(self.out, "   {:<10}  {status}", "answered")?;
        let Ok(Value::Object(envelope)) = serde_json::from_slice(&answer.body) else {
            return Ok(());
        };
        let details = envelope.get("details").cloned().unwrap_or_default();
        for name in ["message", "description", "retryable"] {
            if let Some(value) = details.get(name) {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                self.entry("", &format!("{name}: {text}"))?;
            }
        }
        for fault in details
            .get("errors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default();
            self.entry(
                "",
                &format!("- {} {}: {}", text("field"), text("code"), text("message")),
            )?;
        }
        Ok(())
    }

    pub fn closing(&mut self, stage: &Stage) -> io::Result<()> {
        writeln!(self.out)?;
        self.line(BOLD, "Now you (Ctrl-C ends the demo)")?;
        writeln!(
            self.out,
            "\n  curl -i http://{}{} \\",
            stage.gateway, stage.target
        )?;
        writeln!(
            self.out,
            "    -H 'Authorization: {}' \\",
            stage.authorization()
        )?;
        writeln!(self.out, "    -H 'Content-Type: application/json' \\")?;
        writeln!(
            self.out,
            "    -d '{{\"userId\":\"ada\",\"activityProgress\":\"Completed\",\"gradingProgress\":\"FullyGraded\",\"scoreGiven\":95,\"scoreMaximum\":100}}'"
        )?;
        writeln!(
            self.out,
            "\n  what LTIAAS has got so far   curl http://{}/_sandbox/requests",
            stage.ltiaas
        )?;
        writeln!(
            self.out,
            "  the grade book               curl http://{}/_sandbox/grades",
            stage.ltiaas
        )?;
        writeln!(
            self.out,
            "  the gateway's configuration  curl http://{}/config",
            stage.admin
        )
    }

    /// A labelled text, wrapped where a person would.
    fn entry(&mut self, label: &str, text: &str) -> io::Result<()> {
        let mut label = label;
        for line in wrapped(text) {
            writeln!(self.out, "   {label:<10}  {line}")?;
            label = "";
        }
        Ok(())
    }

    fn line(&mut self, style: &str, text: impl Display) -> io::Result<()> {
        let text = self.coloured(style, &text.to_string());
        writeln!(self.out, "{text}")
    }

    fn coloured(&self, style: &str, text: &str) -> String {
        match self.colour {
            true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

/// Breaks after commas and spaces.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive([',', ' ']) {
        match lines.last_mut() {
            Some(line)
                if line.is_empty() || line.chars().count() + part.chars().count() <= WIDTH =>
            {
                line.push_str(part)
            }
            _ => lines.push(part.to_owned()),
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}
