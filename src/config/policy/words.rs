//! The keys of a policy that take one word, and what each word means to the rules.

use crate::config::words::words;
use crate::policy::{Keep, Mode, Override, Protection, Stale, Step, Unchanged};

words! {
    ModeText is Mode { Enforce, Report }
    StepText is Step { Rescale, Late, Minimum, Maximum, Pass, Round, Keep }
    KeepText is Keep { Latest, Highest, First, Average, Total, Lowest }
    ProtectionText is Protection { Forward, Protect, Refuse }
    StaleText is Stale { Ignore, Refuse, Forward }
    UnchangedText is Unchanged { Forward, Skip }
    OverrideText is Override { ToolWins, Protect, RaiseOnly }
}
