#![no_main]

#[path = "../toml_mutator.rs"]
mod toml_mutator;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| scoregate::fuzz::config(bytes));

// Every other input as a whole, the rest byte by byte.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = match seed % 2 {
        0 => None,
        _ => data
            .get(..size)
            .and_then(|bytes| toml_mutator::mutate(bytes, max_size, seed.into())),
    };
    match changed {
        Some(text) => {
            data[..text.len()].copy_from_slice(text.as_bytes());
            text.len()
        }
        None => fuzzer_mutate(data, size, max_size),
    }
});
