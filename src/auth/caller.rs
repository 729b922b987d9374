//! An authenticated tool.

use std::sync::Arc;

use super::{Places, Quota};
use crate::config::Account;
use crate::line_item::Pattern;
use crate::meter::CallerHandle;
use crate::permission::Permissions;

/// Whoever a credential stands for.
#[derive(Debug)]
pub struct Caller {
    /// Its name in policy and logs; `ISSUER/CLAIM` for the holder of a JWT.
    pub name: Arc<str>,
    /// The configured name alone, of which there are only so many: for metrics.
    pub label: Arc<str>,
    pub meter: CallerHandle,
    pub account: Arc<Account>,
    pub permissions: Permissions,
    /// Empty: every line item on the account's platforms.
    pub line_items: Arc<[Pattern]>,
    /// How often it may ask, if there is a limit.
    pub quota: Option<Arc<Quota>>,
    /// How many of its requests may be in flight, if there is a limit.
    pub places: Option<Places>,
}
