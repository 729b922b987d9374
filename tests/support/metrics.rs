//! Reads `/metrics` as strictly as Prometheus's format asks: each metric once, described before
//! its samples, no sample twice, histograms that rise.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use super::{Client, DEADLINE, Gateway, Request};

type Labels = BTreeMap<String, String>;

/// One look at the page.
#[derive(Debug)]
pub struct Metrics {
    pub text: String,
    /// Name → kind, in the order of the page.
    pub kinds: Vec<(String, String)>,
    pub samples: Vec<Sample>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// With `_bucket`, `_sum` or `_count` for histograms.
    pub name: String,
    /// The metric it belongs to.
    pub metric: String,
    pub labels: Labels,
    pub value: f64,
}

impl Metrics {
    pub fn of(gateway: &Gateway) -> Self {
        let request = Request::new("GET", "/metrics").bytes();
        let answer = Client::connect(gateway.admin).send(request).response();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let media_type = answer.header("content-type");
        assert_eq!(media_type, Some("text/plain; version=0.0.4; charset=utf-8"));
        Self::read(&answer.text())
    }

    /// Looks until a value is as wanted: requests are counted when their last byte is out, which
    /// may be after the client has read it.
    pub fn wait_for(gateway: &Gateway, name: &str, labels: &[(&str, &str)], value: f64) -> Self {
        let started = Instant::now();
        loop {
            let metrics = Self::of(gateway);
            let sum = metrics.sum(name, labels);
            if (sum - value).abs() < 1e-9 {
                return metrics;
            }
            let text = &metrics.text;
            assert!(
                started.elapsed() < DEADLINE,
                "{name}{labels:?} is {sum} and not {value} in\n{text}"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The sum over the samples that have these labels among theirs.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            sample.name == name
                && labels
                    .iter()
                    .all(|(name, value)| sample.labels.get(*name).is_some_and(|own| own == value))
        };
        self.samples.iter().filter(fits).map(|one| one.value).sum()
    }

    fn read(text: &str) -> Self {
        let mut metrics = Self {
            text: text.to_owned(),
            kinds: Vec::new(),
            samples: Vec::new(),
        };
        let mut described = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a help text");
                assert!(!help.is_empty(), "{line}");
                described = Some(name.to_owned());
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(described.as_deref(), Some(name), "{line}");
                let again = metrics.kinds.iter().any(|(other, _)| other == name);
                assert!(!again, "`{name}` is described twice");
                metrics.kinds.push((name.to_owned(), kind.to_owned()));
            } else {
                let (metric, kind) = metrics.kinds.last().expect("a type before samples");
                metrics.samples.push(sample(line, metric, kind));
            }
        }
        metrics.check_apart();
        metrics.check_histograms();
        metrics
    }

    fn check_apart(&self) {
        for (place, sample) in self.samples.iter().enumerate() {
            let twin = |other: &Sample| other.name == sample.name && other.labels == sample.labels;
            assert!(!self.samples[..place].iter().any(twin), "twice: {sample:?}");
        }
    }

    fn check_histograms(&self) {
        let counts = self.samples.iter();
        for count in counts.filter(|one| one.name == format!("{}_count", one.metric)) {
            let mut last = 0.0;
            let buckets = self.samples.iter().filter(|one| {
                let mut labels = one.labels.clone();
                labels.remove("le");
                one.name == format!("{}_bucket", count.metric) && labels == count.labels
            });
            for bucket in buckets {
                assert!(bucket.value >= last, "falls: {bucket:?}");
                last = bucket.value;
            }
            assert_eq!(last, count.value, "{count:?}");
        }
    }
}

fn sample(line: &str, metric: &str, kind: &str) -> Sample {
    let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a value"));
    let suffixes: &[&str] = match kind {
        "histogram" => &["_bucket", "_sum", "_count"],
        "counter" | "gauge" => &[""],
        other => panic!("`{other}` is no type"),
    };
    let suffix = name.strip_prefix(metric).expect("the metric's name");
    assert!(suffixes.contains(&suffix), "{line}");
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => {
            let (labels, value) = rest.rsplit_once("} ").expect("labels");
            (read_labels(labels), value)
        }
        None => (Labels::new(), rest.trim_start()),
    };
    Sample {
        name: name.to_owned(),
        metric: metric.to_owned(),
        labels,
        value: value.parse().expect("a number"),
    }
}

fn read_labels(mut text: &str) -> Labels {
    let mut labels = Labels::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").expect("a label");
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next().expect("an end of the label") {
                (place, '"') => break place,
                (_, '\\') => match letters.next().expect("an escaped character").1 {
                    'n' => value.push('\n'),
                    letter => value.push(letter),
                },
                (_, letter) => value.push(letter),
            }
        };
        let again = labels.insert(name.to_owned(), value);
        assert!(again.is_none(), "`{name}` twice");
        text = rest[end + 1..]
            .strip_prefix(',')
            .unwrap_or(&rest[end + 1..]);
    }
    labels
}
