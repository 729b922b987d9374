//! An explanation for people: what came, what holds, what each rule did, what leaves.

use std::borrow::Cow;
use std::io::{self, Write};

use super::entry::{is_of_upstream, write_head, write_upstream};
use crate::cli::terminal::harmless;
use crate::error::Fault;
use crate::explanation::{Explanation, Taken, read_recorded};
use crate::policy::{Acted, KeyInForce, Marks};
use crate::score::{Extension, Score, Submission, Timestamp};

/// The one rule that changes no value.
const COMMENT: &str = "comment";

pub fn write(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    write_outcome(explanation, out)?;
    match was_judged(explanation) {
        true => {
            write_effective(explanation, out)?;
            writeln!(out, "\nRules")?;
            write_rules(&explanation.rules, out)?;
            write_spared(&explanation.spared, out)?;
        }
        false => writeln!(out, "\nNo policy was asked: {}", why_unjudged(explanation))?,
    }
    write_report(explanation, out)?;
    write_request(explanation, out)
}

fn write_outcome(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    if let Some(entry) = &explanation.entry {
        write_head(entry, out)?;
    }
    let score = explanation
        .score
        .as_ref()
        .and_then(|json| read_recorded(json.get().as_bytes()));
    if let Some(score) = score {
        let (marks, learner) = (Marks::of(&score), harmless(&score.user));
        writeln!(out, "Score       {marks} for learner {learner}")?;
        write_members(&score, out)?;
    }
    let (decision, taken) = (&explanation.decision, taken(explanation));
    let rules = explanation.rules.iter();
    let meaning = meaning(decision, taken, rules.map(|acted| &*acted.rule));
    writeln!(out, "Decision    {decision}: {meaning}")?;
    write_refusal(explanation, out)?;
    if let Some(judged) = explanation.judged {
        let judged = judged.in_figures();
        writeln!(out, "Judged      {judged}{}", came_to(explanation))?;
    }
    match &explanation.entry {
        Some(entry) => write_upstream(explanation, entry, out),
        None => Ok(()),
    }
}

fn taken(explanation: &Explanation) -> Option<Taken> {
    explanation.entry.as_ref().and_then(|entry| entry.taken)
}

/// Whether what policy meant the learner to have is what they have.
fn came_to(explanation: &Explanation) -> Cow<'static, str> {
    match taken(explanation) {
        Some(Taken::No) => ", which does not stand: LTIAAS did not take it".into(),
        Some(Taken::Unknown) => ", if LTIAAS took it".into(),
        Some(Taken::Yes) | None => held_back(explanation),
    }
}

/// What policy judged and then did not send. It is the last rule that says so.
fn held_back(explanation: &Explanation) -> Cow<'static, str> {
    let last = explanation.rules.last();
    let last = last.and_then(|acted| Some((&*acted.rule, acted.output?)));
    match last {
        Some(("override", shown)) => {
            let shown = shown.in_figures();
            format!(", which does not stand: the LMS has {shown}").into()
        }
        Some(("unchanged", _)) => ", which is not sent".into(),
        _ => "".into(),
    }
}

fn write_refusal(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    let code = explanation.code.as_deref();
    if let Some(code) = code.filter(|code| !is_of_upstream(code)) {
        let description = explanation.description.as_deref().unwrap_or_default();
        // They follow; and a single one says the same.
        let description = match (
            description.split_once("; `errors` lists"),
            &*explanation.errors,
        ) {
            (Some((count, _)), _) => count,
            (None, []) => description,
            (None, _) => "",
        };
        writeln!(out, "Refusal     {code} {}", harmless(description))?;
    }
    for Fault {
        field,
        code,
        message,
    } in &explanation.errors
    {
        let (field, message) = (harmless(field), harmless(message));
        writeln!(out, "  {field}  {code}  {message}")?;
    }
    Ok(())
}

/// All else that came with a score, but its comment, which the request shows.
fn write_members(score: &Score, out: &mut impl Write) -> io::Result<()> {
    let Submission {
        started_at,
        submitted_at,
    } = &score.submission;
    let text = |timestamp: &Option<Timestamp>| timestamp.as_ref().map(|at| at.text().to_owned());
    let grader = score.scoring_user.as_deref();
    let members = [
        ("Timestamp", text(&score.timestamp)),
        ("Started", text(started_at)),
        ("Submitted", text(submitted_at)),
        ("Graded by", grader.map(|id| harmless(id).into_owned())),
    ];
    for (name, value) in members {
        if let Some(value) = value {
            writeln!(out, "{name:<11} {value}")?;
        }
    }
    for Extension { name, value } in &score.extensions {
        let value = String::from_utf8_lossy(value);
        let (name, value) = (harmless(name), harmless(&value));
        writeln!(out, "Extension   {name} = {value}")?;
    }
    Ok(())
}

/// A policy that refuses says by which rule; what could not be recorded was judged before.
fn was_judged(explanation: &Explanation) -> bool {
    let Explanation {
        decision,
        rules,
        judged,
        ..
    } = explanation;
    decision != "refused" || !rules.is_empty() || judged.is_some()
}

fn why_unjudged(explanation: &Explanation) -> &'static str {
    match explanation.code.as_deref().is_some_and(is_of_upstream) {
        true => "what it has to know could not be had",
        false => "it was refused before that",
    }
}

/// Of a score that LTIAAS may not have, only what was meant. A decision is about the value, so a comment that
/// a rule changed is told beside it.
pub fn meaning<'a>(
    decision: &str,
    taken: Option<Taken>,
    mut rules: impl Iterator<Item = &'a str>,
) -> &'static str {
    let is_only_meant = matches!(taken, Some(Taken::No | Taken::Unknown));
    match (decision, is_only_meant, rules.any(|rule| rule == COMMENT)) {
        ("forwarded", true, false) => "to be sent as it came",
        ("forwarded", true, true) => "to be sent as it came, but for its comment",
        ("forwarded", false, true) => {
            "the value that leaves is the one that came; the comment is not"
        }
        ("adjusted", true, _) => "to be sent with another value than came",
        (decision, ..) => meaning_of(decision),
    }
}

fn meaning_of(decision: &str) -> &'static str {
    match decision {
        "forwarded" => "the value that leaves is the one that came",
        "adjusted" => "the value that leaves is not the one that came",
        "kept" => "recorded; nothing has to be, or may be, sent",
        "refused" => "nothing is sent",
        _ => "will be delivered",
    }
}

fn write_effective(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nPolicy in force")?;
    if explanation.effective.is_empty() {
        writeln!(out, "  no key is set for this score")?;
    }
    let widest = explanation.effective.keys().map(String::len).max();
    let width = widest.unwrap_or_default();
    for (key, KeyInForce { policy, value }) in &explanation.effective {
        writeln!(out, "  {key:width$}  {value}  from policy `{policy}`")?;
    }
    Ok(())
}

fn write_rules(rules: &[Acted<'_>], out: &mut impl Write) -> io::Result<()> {
    if rules.is_empty() {
        writeln!(out, "  none changed or refused this score")?;
    }
    for (number, acted) in (1..).zip(rules) {
        let Acted {
            rule,
            policy,
            input,
            output,
            reason,
        } = acted;
        write!(out, "  {number}. {rule} (policy `{policy}`)")?;
        let came = input.in_figures();
        match output {
            // What it changes is no value.
            Some(_) if rule == COMMENT => writeln!(out),
            Some(output) if output == input => writeln!(out, ": {came}, unchanged"),
            Some(output) => writeln!(out, ": {came} -> {}", output.in_figures()),
            None => writeln!(out, ": {came} -> refused"),
        }?;
        writeln!(out, "     {reason}")?;
    }
    Ok(())
}

/// Why a rule that one would expect is none of those above.
fn write_spared(spared: &[Acted<'_>], out: &mut impl Write) -> io::Result<()> {
    for acted in spared {
        let Acted {
            rule,
            policy,
            input,
            output: _,
            reason,
        } = acted;
        let input = input.in_figures();
        writeln!(out, "  {rule} (policy `{policy}`): {input}, unchanged")?;
        writeln!(out, "     {reason}")?;
    }
    Ok(())
}

fn write_report(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    let report = &explanation.report;
    let Some(decision) = &report.decision else {
        return Ok(());
    };
    let is_same = *decision == explanation.decision && report.judged == explanation.judged;
    let would = match is_same {
        true => "the decision and the value would be the same".to_owned(),
        false => format!("it would be {decision}"),
    };
    writeln!(out, "\nWith the policies in report mode {would}")?;
    if let Some(judged) = report.judged.filter(|_| !is_same) {
        writeln!(out, "  {} would stand", judged.in_figures())?;
    }
    match report.rules.is_empty() {
        true => Ok(()),
        false => write_rules(&report.rules, out),
    }
}

fn write_request(explanation: &Explanation, out: &mut impl Write) -> io::Result<()> {
    let Some(request) = &explanation.request else {
        let is = match explanation.entry {
            Some(_) => "was",
            None => "is",
        };
        return writeln!(out, "\nNothing {is} sent to LTIAAS");
    };
    writeln!(out, "\nRequest to LTIAAS")?;
    writeln!(out, "  {} {}", request.method, request.target)?;
    for (name, value) in &request.headers {
        writeln!(out, "  {name}: {value}")?;
    }
    match &request.body {
        Some(body) => writeln!(out, "\n  {}", harmless(body.get())),
        None => Ok(()),
    }
}
