//! The measurements as Markdown.

use std::fmt::Write;

use crate::measured::Measured;
use crate::median::median;

/// What direct requests to the upstream take, in microseconds, at how many per second.
pub struct Direct {
    pub rate: f64,
    pub p50: Vec<f64>,
    pub p99: Vec<f64>,
}

pub fn table(all: &[Measured], direct: &Direct) -> String {
    let mut out = String::from(
        "| Contender | CPU µs/request | ÷ nginx plain | requests/s | added p50 µs | added p99 µs | idle MiB | KiB/connection | start ms |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for measured in all {
        let added = |latencies: &[f64], direct: &[f64]| {
            median(latencies)
                .zip(median(direct))
                .map(|(whole, direct)| whole - direct)
        };
        let alone = &measured.alone;
        let cells = [
            number(median(&measured.cpu), 1),
            spread(&measured.ratio),
            number(median(&measured.rate), 0),
            number(added(&measured.p50, &direct.p50), 0),
            number(added(&measured.p99, &direct.p99), 0),
            number(Some(alone.idle_mib), 1),
            number(Some(alone.kib_per_connection), 1),
            number(median(&alone.start_millis), 0),
        ];
        let _ = writeln!(
            out,
            "| {} | {} |",
            measured.contender.name(),
            cells.join(" | ")
        );
    }
    let _ = writeln!(
        out,
        "\nLatency at {:.0} requests/s; direct: p50 {} µs, p99 {} µs.",
        direct.rate,
        number(median(&direct.p50), 0),
        number(median(&direct.p99), 0),
    );
    out
}

/// CPU per request as connections grow.
pub fn growth(all: &[Measured]) -> String {
    let mut out =
        String::from("| CPU µs/request with … connections | 1 | 64 | 1,000 |\n|---|--:|--:|--:|\n");
    for measured in all
        .iter()
        .filter(|measured| !measured.cpu_of_many.is_empty())
    {
        let cells = [&measured.cpu_of_one, &measured.cpu, &measured.cpu_of_many];
        let cells = cells.map(|values| number(median(values), 1));
        let _ = writeln!(
            out,
            "| {} | {} |",
            measured.contender.name(),
            cells.join(" | ")
        );
    }
    out
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

/// The median, and the least and most of all rounds.
fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().reduce(f64::min);
    let most = values.iter().copied().reduce(f64::max);
    match (median(values), least, most) {
        (Some(middle), Some(least), Some(most)) => format!("{middle:.2} ({least:.2}–{most:.2})"),
        _ => "–".to_owned(),
    }
}
