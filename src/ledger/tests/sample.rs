//! Entries and ledgers for tests.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use tempfile::TempDir;

use super::cluster::Cluster;
use crate::ledger::histories::append;
use crate::ledger::{
    Acted, BodyDigest, Cell, Decision, Durability, Entry, Json, OnFailure, Place, PostgresPlace,
    Receipt, Settings,
};
use crate::policy::{Fate, Past, Role, Sent};
use crate::score::{ActivityProgress, Decimal, GradingProgress, Points, Score, Submission};

/// A database of one's own, that goes with this.
pub struct Home {
    pub settings: Settings,
    pub folder: TempDir,
    pub cluster: Option<Arc<Cluster>>,
}

impl Home {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Sqlite(folder.path().join("scoregate.db"));
        Self::at(place, folder, None)
    }

    pub fn postgres() -> Self {
        Self::in_cluster(Cluster::shared())
    }

    pub fn in_cluster(cluster: Arc<Cluster>) -> Self {
        let url = cluster.database();
        Self::at_url(cluster, url)
    }

    pub fn at_url(cluster: Arc<Cluster>, url: String) -> Self {
        let url = SecretString::from(url);
        let place = Place::Postgres(PostgresPlace {
            url,
            password: None,
            ca_file: None,
        });
        Self::at(place, tempfile::tempdir().unwrap(), Some(cluster))
    }

    fn at(place: Place, folder: TempDir, cluster: Option<Arc<Cluster>>) -> Self {
        let settings = Settings {
            place,
            durability: Durability::Batched,
            on_failure: OnFailure::Refuse,
            retention: None,
        };
        Self {
            settings,
            folder,
            cluster,
        }
    }
}

impl Home {
    /// The name of its PostgreSQL database.
    pub fn name(&self) -> String {
        match &self.settings.place {
            Place::Postgres(place) => {
                let url = secrecy::ExposeSecret::expose_secret(&place.url);
                url.rsplit('/').next().unwrap().to_owned()
            }
            Place::Sqlite(_) => panic!("a file has no name"),
        }
    }
}

pub fn points(given: &str, maximum: &str) -> Points {
    Points {
        given: Decimal::from_plain(given).unwrap(),
        maximum: Decimal::from_plain(maximum).unwrap(),
    }
}

pub fn json(text: &str) -> Json {
    Json::written(text.to_owned())
}

pub const LINE_ITEM: &str = "https://canvas.example.edu/api/lti/courses/1/line_items/2";

pub fn cell(user: &str) -> Cell {
    Cell {
        account: "main".into(),
        line_item: LINE_ITEM.into(),
        user: user.into(),
    }
}

/// A forwarded score.
pub fn entry(user: &str, given: &str) -> Entry {
    let time = Timestamp::now();
    let score = Score {
        user: user.into(),
        activity: ActivityProgress::Completed,
        grading: GradingProgress::FullyGraded,
        points: Some(points(given, "100")),
        given_alone: None,
        comment: Some(format!("of {user}")),
        timestamp: None,
        submission: Submission::default(),
        scoring_user: None,
        extensions: Vec::new(),
    };
    let canonical = Json::written(score.write());
    Entry {
        receipt: Receipt::mint(time).unwrap(),
        time,
        account: "main".into(),
        caller: "quiz-app".into(),
        line_item: LINE_ITEM.into(),
        user: Some(user.into()),
        score: Some(score),
        submission: Some(canonical.clone()),
        body: BodyDigest::of(canonical.bytes()),
        decision: Decision::Forwarded,
        code: None,
        rules: vec![Acted {
            rule: "maximum".into(),
            policy: "institution".into(),
        }],
        judged: Some(points(given, "100")),
        policy_generation: 1,
        sent: Some(canonical),
        upstream: Some(204),
        duration_ms: 12,
        explanation: Some(json("{\"decision\":\"forwarded\"}")),
        past: Some(past(given)),
    }
}

/// As a cell has it.
pub fn history(pasts: impl IntoIterator<Item = Past>) -> Vec<Past> {
    let mut history = Vec::new();
    let all = pasts.into_iter();
    all.for_each(|past| append(&mut history, past));
    history
}

pub fn past(given: &str) -> Past {
    Past {
        points: Some(points(given, "100")),
        timestamp: crate::score::Timestamp::parse("2026-01-01T00:00:00.123+01:00"),
        is_stamped: true,
        submitted_at: None,
        arrived: "2026-01-01T00:00:00.123456789Z".parse().unwrap(),
        role: Role::Attempt,
        fate: Fate::Confirmed,
        stands: Some(points(given, "100")),
        sent: Some(Sent {
            is_final: true,
            points: Some(points(given, "100")),
            comment: Some("well done".into()),
        }),
    }
}
