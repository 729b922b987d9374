//! Spans that were to be exported, by what became of them. Nothing counts here in builds without
//! the feature `otlp`.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::{Page, list};

/// One for all workers: only sampled requests come here.
#[derive(Debug, Default)]
pub struct SpanMeter {
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    /// Handed to the exporter, and neither exported nor failed yet.
    waiting: AtomicUsize,
}

impl SpanMeter {
    /// Takes a place among `most` for a span that ended. Where there is none it is dropped.
    pub fn has_room(&self, most: usize) -> bool {
        let one_more = |waiting| (waiting < most).then_some(waiting + 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let taken = self.waiting.fetch_update(set, fetch, one_more);
        if taken.is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// An export of this many is over.
    pub fn exported(&self, spans: usize, is_good: bool) {
        let count = match is_good {
            true => &self.exported,
            false => &self.failed,
        };
        count.fetch_add(spans as u64, Ordering::Relaxed);
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
    }

    pub(super) fn write(&self, page: &mut Page) {
        let mut family = page.family(&list::SPANS);
        for (result, count) in [
            ("exported", &self.exported),
            ("failed", &self.failed),
            ("dropped", &self.dropped),
        ] {
            family.sample(&[result], count.load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(meter: &SpanMeter) -> Vec<String> {
        let mut page = Page::default();
        meter.write(&mut page);
        let page = page.finish();
        let counts = page.lines().filter(|line| !line.starts_with('#'));
        counts
            .map(|line| line.rsplit(' ').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_span_has_a_place_until_it_is_exported_or_has_failed() {
        let meter = SpanMeter::default();
        assert!(meter.has_room(2) && meter.has_room(2));
        assert!(!meter.has_room(2));
        meter.exported(1, true);
        assert!(meter.has_room(2));
        meter.exported(2, false);
        assert!(meter.has_room(2));
        assert_eq!(shown(&meter), ["1", "2", "1"]);
    }
}
