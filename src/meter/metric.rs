//! The list of metrics: name, kind, labels and meaning. The page's `# HELP` lines and
//! `docs/metrics.md` both come from it (a test compares).

/// How a metric's samples are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by upper bound (`le`), with `_sum` and `_count`.
    Histogram,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    help: &'static str,
}

impl Metric {
    /// What it means.
    pub fn help(&self) -> &'static str {
        self.help.trim_start()
    }
}

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $metric:ident $kind:ident $name:literal [$($label:literal)*];)*) => {
        $($(#[doc = $doc])*
        pub const $metric: Metric = Metric {
            name: $name,
            kind: Kind::$kind,
            labels: &[$($label,)*],
            help: concat!($($doc,)*),
        };)*

        /// Every metric, in the order of the page.
        pub const ALL: &[Metric] = &[$($metric,)*];
    };
}

/// Every metric by a name of its own.
pub mod list {
    use super::{Kind, Metric};

    metrics! {
        /// Requests that are over. `operation` and `caller` are `none` where the request did not
        /// get that far; holders of JWTs count under their issuer. `outcome` is `success`, the
        /// error's code, `cut_short` (the answer's body broke off, or the caller left within it) or
        /// `aborted` (the caller left before there was an answer, such as within its own body).
        REQUESTS Counter "scoregate_requests_total" ["operation" "caller" "outcome"];
        /// From a request's head to the last byte of its answer.
        REQUEST_DURATION Histogram "scoregate_request_duration_seconds" ["operation"];
        /// The gateway's own part: from a request's head to the head of its answer, without the
        /// waits for LTIAAS and for the caller's body; those for the ledger and for a cell are in
        /// it. Aborted requests have none.
        OWN_DURATION Histogram "scoregate_own_duration_seconds" ["operation"];
        /// Decisions on submissions.
        DECISIONS Counter "scoregate_decisions_total" ["caller" "decision"];
        /// Times a policy's rule acted: `effect` is `changed` or `refused`; in `report` mode
        /// nothing changed, and this is what would have.
        RULE_ACTS Counter "scoregate_rule_acts_total" ["policy" "rule" "mode" "effect"];
        /// The wait for the head of LTIAAS's answer, connecting included.
        UPSTREAM_DURATION Histogram "scoregate_upstream_duration_seconds" ["account"];
        /// LTIAAS's answers by class of status, such as `2xx`.
        UPSTREAM_ANSWERS Counter "scoregate_upstream_answers_total" ["account" "status"];
        /// Requests to LTIAAS that got no answer: `connect`, `connect_timeout` (also where the time was over
        /// before anything was sent), `handshake`, `closed`, `broken`, `not_http` or `answer_timeout`.
        UPSTREAM_ERRORS Counter "scoregate_upstream_errors_total" ["account" "reason"];
        /// Times LTIAAS rejected one of the account's API keys.
        UPSTREAM_KEY_REJECTIONS Counter "scoregate_upstream_key_rejections_total" ["account"];
        /// Connections to LTIAAS that were opened.
        UPSTREAM_CONNECTIONS Counter "scoregate_upstream_connections_total" ["account"];
        /// Connections to LTIAAS that are kept and unused.
        UPSTREAM_IDLE Gauge "scoregate_upstream_idle_connections" ["account"];
        /// Whether the issuer's keys are here (1) or have never loaded (0).
        KEY_SET_LOADED Gauge "scoregate_key_set_loaded" ["issuer"];
        /// Keys of the issuer that can be used.
        KEY_SET_KEYS Gauge "scoregate_key_set_keys" ["issuer"];
        /// Since the last good read of the issuer's key set. Absent before the first, and for
        /// keys that are not fetched.
        KEY_SET_AGE Gauge "scoregate_key_set_age_seconds" ["issuer"];
        /// Reads of the issuer's key set: `result` is `good` or `failed`.
        KEY_SET_READS Counter "scoregate_key_set_reads_total" ["issuer" "result"];
        /// Whether the ledger's database can be used (1) or not (0). Absent where nothing is
        /// recorded.
        LEDGER_AVAILABLE Gauge "scoregate_ledger_available" [];
        /// Entries that this gateway has written.
        LEDGER_ENTRIES Counter "scoregate_ledger_entries_total" ["decision"];
        /// One transaction that writes what has waited, from its beginning to its commit.
        LEDGER_COMMIT_DURATION Histogram "scoregate_ledger_commit_duration_seconds" [];
        /// What went wrong with the ledger: `lost` (its database could not be used, counted once
        /// until it can), `refused` (the database refused an entry), `queue_full` and `late` (too
        /// much, or too long, waited for the writer), `backlog_full` (an entry was lost) or
        /// `queue_lost` (as `queue_full`, which counts it too: what had left has no entry).
        LEDGER_FAILURES Counter "scoregate_ledger_failures_total" ["reason"];
        /// Submissions that went on though they could not be recorded (`on_failure = "forward"`).
        LEDGER_UNRECORDED Counter "scoregate_ledger_unrecorded_total" [];
        /// Entries that were dropped because they were older than the retention.
        LEDGER_DROPPED Counter "scoregate_ledger_dropped_total" [];
        /// Erasures of learners by `scoregate ledger erase` that this gateway has noticed; where
        /// gateways share a ledger, what the retention of another one dropped counts too.
        LEDGER_ERASURES Counter "scoregate_ledger_erasures_total" [];
        /// Cells that are `held` (each is one learner's place for one line item), and submissions
        /// that are `waiting` for one.
        LEDGER_CELLS Gauge "scoregate_ledger_cells" ["state"];
        /// Waits for a cell that other submissions held: `result` is `held`, or `busy` for those
        /// that were given up.
        LEDGER_CELL_WAITS Counter "scoregate_ledger_cell_waits_total" ["result"];
        /// The most that a limit allows, by its configuration key where it has one: a caller's
        /// `max_in_flight` is `caller.NAME.max_in_flight`, an issuer's
        /// `issuer.NAME.max_in_flight`; `issuer.NAME.jwks` is for requests that wait for the
        /// issuer's key set. Bytes for `verified_tokens`, else a number of things.
        LIMIT Gauge "scoregate_limit" ["limit"];
        /// How much of a limit is used now; of an issuer's `max_in_flight`, by its fullest caller.
        LIMIT_USED Gauge "scoregate_limit_used" ["limit"];
        /// TLS handshakes with callers that failed: `timeout`, `closed` (the caller left, as a
        /// probe of the port does), `not_tls` (such as plain HTTP), `incompatible` (no version or
        /// cipher in common), `no_certificate` and `bad_certificate` (the caller's), `refused`
        /// (the caller refused ours) or `other`.
        HANDSHAKE_FAILURES Counter "scoregate_tls_handshake_failures_total" ["reason"];
        /// Spans of requests (`[traces]`): `result` is `exported`, `failed` (the collector was away
        /// or refused them) or `dropped` (too many waited). None in builds without the feature
        /// `otlp`.
        SPANS Counter "scoregate_trace_spans_total" ["result"];
        /// Lines of the log that were dropped: whoever reads standard error is too slow, or it can't
        /// be written.
        LOG_LINES_DROPPED Counter "scoregate_log_lines_dropped_total" [];
        /// When the first of a file's certificates expires, in seconds since 1970. `certificate`
        /// is the file's configuration key.
        CERTIFICATE_EXPIRY Gauge "scoregate_certificate_expiry_timestamp_seconds" ["certificate"];
        /// When the last gateway key of a caller ends, in seconds since 1970. None for a caller with a key that
        /// has no end.
        GATEWAY_KEY_EXPIRY Gauge "scoregate_gateway_key_expiry_timestamp_seconds" ["caller"];
        /// The generation of the configuration in force, 1 at the start.
        CONFIGURATION_GENERATION Gauge "scoregate_configuration_generation" [];
        /// When the configuration in force was applied, in seconds since 1970.
        CONFIGURATION_APPLIED Gauge "scoregate_configuration_applied_timestamp_seconds" [];
        /// Whether the last reload succeeded (1), or was refused and the configuration before it
        /// kept (0).
        CONFIGURATION_GOOD Gauge "scoregate_configuration_last_reload_successful" [];
        /// Reloads: `result` is `applied` or `refused`.
        CONFIGURATION_RELOADS Counter "scoregate_configuration_reloads_total" ["result"];
        /// Whether `/readyz` says so (1) or not (0).
        READY Gauge "scoregate_ready" [];
        /// Always 1; the label is what runs.
        BUILD Gauge "scoregate_build_info" ["version"];
        /// Processor time, user and system.
        PROCESS_CPU Counter "process_cpu_seconds_total" [];
        /// Memory that is in use, in bytes.
        PROCESS_MEMORY Gauge "process_resident_memory_bytes" [];
        /// Address space, in bytes.
        PROCESS_ADDRESSES Gauge "process_virtual_memory_bytes" [];
        /// File descriptors that are open: connections, files and listeners.
        PROCESS_FILES Gauge "process_open_fds" [];
        /// The most file descriptors that may be open.
        PROCESS_MOST_FILES Gauge "process_max_fds" [];
        /// When the process started, in seconds since 1970.
        PROCESS_START Gauge "process_start_time_seconds" [];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/metrics.md");

    fn row(metric: &Metric) -> String {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        format!(
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind.name(),
            labels.join(", "),
            metric.help()
        )
    }

    #[test]
    fn the_reference_lists_every_metric_as_it_is() {
        for metric in list::ALL {
            let row = row(metric);
            assert!(
                DOCUMENT.contains(&row),
                "docs/metrics.md lacks this row:\n{row}"
            );
        }
        let rows = DOCUMENT
            .lines()
            .filter(|line| line.starts_with("| `scoregate_") || line.starts_with("| `process_"));
        assert_eq!(
            rows.count(),
            list::ALL.len(),
            "docs/metrics.md lists a metric that does not exist"
        );
    }

    #[test]
    fn names_follow_the_conventions() {
        for metric in list::ALL {
            let is_total = metric.name.ends_with("_total");
            assert_eq!(is_total, metric.kind == Kind::Counter, "{}", metric.name);
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(metric.name.bytes().all(plain), "{}", metric.name);
        }
    }
}
