//! Prometheus's text format, version 0.0.4: what every scraper reads.

use std::fmt::{Display, Write};

use super::{Kind, Metric, Snapshot};

/// The page as it grows. Each metric is written once, with all of its samples.
#[derive(Debug, Default)]
pub struct Page(String);

/// One metric's part of the page.
#[derive(Debug)]
pub struct Family<'a> {
    metric: &'static Metric,
    page: &'a mut String,
}

impl Page {
    /// The media type of `finish`'s text.
    pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// Starts a metric.
    pub fn family(&mut self, metric: &'static Metric) -> Family<'_> {
        let Metric { name, kind, .. } = metric;
        // Writing into a String can't fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {}", metric.help());
        let _ = writeln!(self.0, "# TYPE {name} {}", kind.name());
        Family {
            metric,
            page: &mut self.0,
        }
    }

    pub fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// Writes one sample; the labels' values in the order of the metric's list.
    pub fn sample(&mut self, labels: &[&str], value: impl Display) -> &mut Self {
        debug_assert!(self.metric.kind != Kind::Histogram);
        self.line("", labels, None, value);
        self
    }

    /// Writes one histogram.
    pub fn histogram(&mut self, labels: &[&str], counted: &Snapshot) -> &mut Self {
        debug_assert!(self.metric.kind == Kind::Histogram);
        for (bound, count) in counted.cumulative() {
            self.line("_bucket", labels, Some(&bound), count);
        }
        self.line("_bucket", labels, Some(&"+Inf"), counted.count());
        self.line("_sum", labels, None, counted.sum());
        self.line("_count", labels, None, counted.count());
        self
    }

    fn line(
        &mut self,
        suffix: &str,
        values: &[&str],
        bound: Option<&dyn Display>,
        value: impl Display,
    ) {
        let names = self.metric.labels;
        debug_assert_eq!(names.len(), values.len(), "{}", self.metric.name);
        self.page.push_str(self.metric.name);
        self.page.push_str(suffix);
        let mut before = '{';
        for (name, value) in names.iter().zip(values) {
            let _ = write!(self.page, "{before}{name}=\"{}\"", Escaped(value));
            before = ',';
        }
        if let Some(bound) = bound {
            let _ = write!(self.page, "{before}le=\"{bound}\"");
            before = ',';
        }
        if before == ',' {
            self.page.push('}');
        }
        let _ = writeln!(self.page, " {value}");
    }
}

/// A label's value: names may hold what would end it.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Histogram, list};
    use super::*;
    use std::time::Duration;

    #[test]
    fn writes_labels_in_order_and_escapes_their_values() {
        let mut page = Page::default();
        page.family(&list::REQUESTS)
            .sample(&["a\"b\\c\nd", "quiz", "success"], 7);
        page.family(&list::READY).sample(&[], 1);
        let text = page.finish();
        let sample =
            r#"scoregate_requests_total{operation="a\"b\\c\nd",caller="quiz",outcome="success"} 7"#;
        assert!(text.lines().any(|line| line == sample), "{text}");
        assert!(text.ends_with("# TYPE scoregate_ready gauge\nscoregate_ready 1\n"));
    }

    #[test]
    fn a_histogram_ends_with_all_of_it() {
        let histogram = Histogram::of_own_time();
        histogram.observe(Duration::from_micros(30));
        histogram.observe(Duration::from_secs(2));
        let mut page = Page::default();
        page.family(&list::OWN_DURATION)
            .histogram(&["submit_score"], &histogram.snapshot());
        let text = page.finish();
        for line in [
            r#"scoregate_own_duration_seconds_bucket{operation="submit_score",le="0.000025"} 0"#,
            r#"scoregate_own_duration_seconds_bucket{operation="submit_score",le="0.00005"} 1"#,
            r#"scoregate_own_duration_seconds_bucket{operation="submit_score",le="1"} 1"#,
            r#"scoregate_own_duration_seconds_bucket{operation="submit_score",le="+Inf"} 2"#,
            r#"scoregate_own_duration_seconds_sum{operation="submit_score"} 2.00003"#,
            r#"scoregate_own_duration_seconds_count{operation="submit_score"} 2"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
        }
    }
}
