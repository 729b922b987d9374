//! Keys that take one word of a few, and what each word means to what is configured.

/// `Text is Meaning { Word, … }`: an enum of the words as the configuration spells them, each of which
/// becomes the meaning's variant of the same name.
macro_rules! words {
    ($(
        $(#[$attribute:meta])*
        $Text:ident is $Meaning:ident { $($(#[$of_word:meta])* $Word:ident),* }
    )*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(inline)]
        pub enum $Text { $($(#[$of_word])* $Word,)* }

        impl From<$Text> for $Meaning {
            fn from(word: $Text) -> Self {
                match word { $($Text::$Word => Self::$Word,)* }
            }
        }
    )*};
}

pub(super) use words;
