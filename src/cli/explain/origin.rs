//! Who submits: a caller of the configuration, or one of an issuer, by the name that policies know.

use crate::config::{Account, Config};
use crate::line_item::Pattern;
use crate::permission::Permissions;
use crate::stages::Rights;

pub struct Caller<'a> {
    pub name: &'a str,
    pub account: &'a Account,
    permissions: Permissions,
    line_items: &'a [Pattern],
}

impl<'a> Caller<'a> {
    /// `ISSUER/CLAIM` is whoever that issuer's tokens name; the file doesn't list them.
    pub fn find(config: &'a Config, name: &'a str) -> Option<Self> {
        Self::configured(config, name).or_else(|| Self::of_issuer(config, name))
    }

    fn configured(config: &'a Config, name: &'a str) -> Option<Self> {
        let caller = config.callers.iter().find(|caller| caller.name == name)?;
        Some(Self {
            name,
            account: &caller.account,
            permissions: caller.allow,
            line_items: &caller.line_items,
        })
    }

    fn of_issuer(config: &'a Config, name: &'a str) -> Option<Self> {
        let (issuer, claim) = name.split_once('/')?;
        let named = config.issuers.iter().find(|known| known.name == issuer);
        let issuer = named.filter(|_| !claim.is_empty())?;
        Some(Self {
            name,
            account: &issuer.account,
            permissions: issuer.allow,
            line_items: &issuer.line_items,
        })
    }

    pub fn rights(&self) -> Rights<'_> {
        Rights {
            account: self.account,
            permissions: self.permissions,
            line_items: self.line_items,
        }
    }
}
