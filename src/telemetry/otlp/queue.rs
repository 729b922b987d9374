//! Spans that wait for their export, in bounds, and the count of how exports end.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, Span, SpanData, SpanExporter as Exports, SpanProcessor,
};

use crate::meter::SpanMeter;

/// Spans that may wait; those beyond are dropped.
pub const MOST_WAITING: usize = 4_096;

/// Drops what has no place, before the SDK would do it without a word.
#[derive(Debug)]
pub struct Bounded {
    pub waiting: BatchSpanProcessor,
    pub meter: Arc<SpanMeter>,
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.waiting.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.meter.has_room(MOST_WAITING) {
            self.waiting.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.waiting.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.waiting.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.waiting.set_resource(resource);
    }
}

/// Counts how exports end.
#[derive(Debug)]
pub struct Counted {
    pub exporter: SpanExporter,
    pub meter: Arc<SpanMeter>,
}

impl Exports for Counted {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let done = self.exporter.export(batch).await;
        self.meter.exported(spans, done.is_ok());
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
