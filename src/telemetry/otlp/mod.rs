//! Spans of requests, exported by OTLP over HTTP. Behind the feature `otlp`, for its crates; with
//! it and without `[traces] url`, a request costs one look at an absent value.
//!
//! The OpenTelemetry crates make, batch and encode the spans; what sends them is our own way out,
//! so that the roots and limits of TLS are the same everywhere. A span holds what an access line
//! holds.

mod collector;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, Span,
};
use rustls::ClientConfig;
use thiserror::Error;

use self::collector::Collector;
use self::queue::{Bounded, Counted, MOST_WAITING};
use super::Trail;
use crate::config;
use crate::meter::SpanMeter;
use crate::origin::BadOrigin;
use crate::trace_context::TraceContext;

/// The longest a span waits for others.
const GATHER: Duration = Duration::from_secs(1);

/// Why spans can't be exported at all.
#[derive(Debug, Error)]
pub enum CannotExport {
    #[error("the collector's URL can't be used")]
    Url(#[from] BadOrigin),
    #[error("the exporter can't be made")]
    Exporter(#[from] ExporterBuildError),
    #[error("the exporter's thread can't have a runtime")]
    Runtime(#[from] std::io::Error),
}

/// Makes spans. One for all workers.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// The span of a request that is under way.
#[derive(Debug)]
pub struct OpenSpan(Span);

impl Traces {
    pub fn new(
        traces: &config::Traces,
        url: &Uri,
        tls: Arc<ClientConfig>,
        meter: &Arc<SpanMeter>,
    ) -> Result<Self, CannotExport> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(url, tls, traces.export_timeout)?)
            .with_endpoint(url.to_string())
            .with_timeout(traces.export_timeout)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_WAITING)
            .with_scheduled_delay(GATHER);
        let exporter = Counted {
            exporter,
            meter: meter.clone(),
        };
        let waiting = Bounded {
            waiting: BatchSpanProcessor::builder(exporter)
                .with_batch_config(batches.build())
                .build(),
            meter: meter.clone(),
        };
        let share = Sampler::TraceIdRatioBased(f64::from(traces.sample_percent) / 100.0);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(waiting)
            // The caller's decision counts where there is one.
            .with_sampler(Sampler::ParentBased(Box::new(share)))
            .with_resource(Resource::builder().with_service_name("scoregate").build())
            .build();
        let tracer = provider.tracer("scoregate");
        Ok(Self { provider, tracer })
    }

    /// Begins a request's span. What goes upstream names it as the parent; a request that is not
    /// sampled keeps what its caller sent.
    pub fn begin(&self, caller: Option<TraceContext>) -> (Option<TraceContext>, Option<OpenSpan>) {
        let parent = caller.as_ref().and_then(remote);
        let context = parent.map_or_else(Context::new, |parent| {
            Context::new().with_remote_span_context(parent)
        });
        let builder = self
            .tracer
            .span_builder("request")
            .with_kind(SpanKind::Server);
        let span = self.tracer.build_with_context(builder, &context);
        let own = span.span_context();
        if !own.is_sampled() {
            return (caller, None);
        }
        let context = TraceContext::below(&own.trace_id(), &own.span_id(), caller);
        (context, Some(OpenSpan(span)))
    }

    /// Exports what waits. Blocks, for `limit` at most.
    pub fn finish(&self, limit: Duration) {
        // Spans that can't be exported in time are lost, as the log says already.
        let _ = self.provider.shutdown_with_timeout(limit);
    }
}

fn remote(caller: &TraceContext) -> Option<SpanContext> {
    let trace = TraceId::from_hex(caller.trace_id()).ok()?;
    let span = SpanId::from_hex(caller.span_id()).ok()?;
    let flags = match caller.is_sampled() {
        true => TraceFlags::SAMPLED,
        false => TraceFlags::NOT_SAMPLED,
    };
    Some(SpanContext::new(
        trace,
        span,
        flags,
        true,
        TraceState::default(),
    ))
}

impl OpenSpan {
    /// The request is over.
    pub fn end(self, trail: &Trail) {
        let Self(mut span) = self;
        if let Some(operation) = trail.operation.get() {
            span.update_name(operation.name());
        }
        span.set_attributes(attributes(trail));
        if let Some((status, code)) = trail.given()
            && status.is_server_error()
        {
            span.set_status(Status::error(code.map_or("", |code| code.name())));
        }
        span.end();
    }
}

/// By OpenTelemetry's names where it has one.
fn attributes(trail: &Trail) -> Vec<KeyValue> {
    let method = trail.method.as_str().to_owned();
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("scoregate.request_id", trail.id.as_str().to_owned()),
    ];
    let mut add = |name: &'static str, value: Option<opentelemetry::Value>| {
        attributes.extend(value.map(|value| KeyValue::new(name, value)));
    };
    let answer = trail.given();
    let status = answer.map(|(status, _)| i64::from(status.as_u16()).into());
    add("http.response.status_code", status);
    let code = answer.and_then(|(_, code)| *code);
    add("error.type", code.map(|code| code.name().into()));
    let caller = trail.caller.get();
    add(
        "scoregate.caller",
        caller.map(|caller| caller.name.to_string().into()),
    );
    add(
        "scoregate.account",
        caller.map(|caller| caller.account.name.clone().into()),
    );
    add(
        "scoregate.decision",
        trail
            .decision
            .get()
            .map(|decision| decision.as_str().into()),
    );
    let waited = trail.upstream.total();
    add(
        "scoregate.upstream_seconds",
        waited.map(|wait| wait.as_secs_f64().into()),
    );
    attributes
}
