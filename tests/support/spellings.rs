//! Spellings of the scores route: the plain one, bent once, twice or three times. The same ones
//! in each run, as the numbers come from a seed.

use std::collections::HashSet;

use super::support::encode;

/// One way to write `POST /api/lineitems/ID/scores`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spelling {
    pub method: String,
    pub target: Vec<u8>,
    /// A header beside the usual ones, with its line end.
    pub header: String,
}

impl Spelling {
    /// How it is written into a failed test.
    pub fn shown(&self) -> String {
        let target = self.target.escape_ascii();
        format!("{} {target} {}", self.method, self.header.trim_end())
    }
}

/// `count` spellings, each another one. The first is the plain one.
pub fn spellings(count: usize) -> Vec<Spelling> {
    let mut random = Random(0x5C0_0E6A7E);
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    all.push(Shape::plain(IDS[0]).spelling());
    while all.len() < count {
        let mut shape = Shape::plain(random.one_of(IDS));
        for _ in 0..=random.below(3) {
            random.one_of(BENDS)(&mut shape, &mut random);
        }
        let spelling = shape.spelling();
        if seen.insert(spelling.clone()) {
            all.push(spelling);
        }
    }
    all
}

/// Line items on the platforms of the tests' account.
const IDS: &[&str] = &[
    "https://lms.example.com/course/1/lineitems/1",
    "https://lms.example.com/api/lti/courses/101/line_items/7",
    "https://moodle.example/mod/lti/services.php/5/lineitems/26/lineitem?type_id=1",
    "https://lms.example.com/a b/é~(1)'*!",
    "https://LMS.example.com:443/scores",
    "https://lms.example.com/a%2Fb/c+d",
];

/// The parts of a target, each as it is written.
struct Shape {
    method: String,
    /// What stands before the path: an origin, a prefix, nothing.
    front: Vec<u8>,
    slashes: [Vec<u8>; 4],
    api: Vec<u8>,
    lineitems: Vec<u8>,
    id: Vec<u8>,
    scores: Vec<u8>,
    tail: Vec<u8>,
    header: String,
}

impl Shape {
    fn plain(id: &str) -> Self {
        Self {
            method: "POST".to_owned(),
            front: Vec::new(),
            slashes: [(); 4].map(|()| b"/".to_vec()),
            api: b"api".to_vec(),
            lineitems: b"lineitems".to_vec(),
            id: encode(id).into_bytes(),
            scores: b"scores".to_vec(),
            tail: Vec::new(),
            header: String::new(),
        }
    }

    fn spelling(self) -> Spelling {
        let [first, second, third, fourth] = self.slashes;
        let parts = [
            self.front,
            first,
            self.api,
            second,
            self.lineitems,
            third,
            self.id,
            fourth,
            self.scores,
            self.tail,
        ];
        Spelling {
            method: self.method,
            target: parts.concat(),
            header: self.header,
        }
    }

    /// One of the three fixed segments.
    fn segment(&mut self, random: &mut Random) -> &mut Vec<u8> {
        match random.below(3) {
            0 => &mut self.api,
            1 => &mut self.lineitems,
            _ => &mut self.scores,
        }
    }

    /// Any part of the path.
    fn part(&mut self, random: &mut Random) -> &mut Vec<u8> {
        match random.below(8) {
            0 => &mut self.id,
            1 => &mut self.tail,
            index @ 2..=5 => &mut self.slashes[index - 2],
            _ => self.segment(random),
        }
    }
}

type Bend = fn(&mut Shape, &mut Random);

const BENDS: &[Bend] = &[
    // Slashes.
    |shape, random| {
        let slashes: &[&str] = &["//", "///", "", "/./", "\\", "%2F", "%5C", "/%2F", "\\/"];
        let bent = random.one_of(slashes);
        shape.slashes[random.below(4)] = bent.as_bytes().to_vec();
    },
    |shape, random| shape.slashes[random.below(4)] = vec![b'/'; 2 + random.below(4)],
    |shape, _| shape.slashes[0] = b"//".to_vec(),
    |shape, _| {
        for slash in &mut shape.slashes {
            *slash = b"\\".to_vec();
        }
    },
    // Fixed segments: case, escapes, double escapes.
    |shape, random| {
        for byte in shape.segment(random).iter_mut() {
            if random.below(2) == 0 {
                byte.make_ascii_uppercase();
            }
        }
    },
    |shape, random| escape_one(shape.segment(random), random, "%"),
    |shape, random| escape_one(shape.segment(random), random, "%25"),
    |shape, random| {
        let segment = shape.segment(random);
        *segment = segment
            .iter()
            .flat_map(|byte| format!("%{byte:02x}").into_bytes())
            .collect();
    },
    // The id: hex digits, escapes of what needs none, double and missing ones.
    |shape, _| shape.id.make_ascii_lowercase(),
    |shape, random| escape_one(&mut shape.id, random, "%"),
    |shape, _| shape.id = replace(&shape.id, b"%", b"%25"),
    |shape, _| shape.id = replace(&shape.id, b"%2F", b"/"),
    |shape, _| shape.id = replace(&shape.id, b"%3A", b":"),
    |shape, _| shape.id = replace(&shape.id, b"%3F", b"?"),
    |shape, _| shape.id = replace(&shape.id, b"%2F", b"//"),
    |shape, _| shape.id = replace(&shape.id, b"%2F", b"\\"),
    |shape, _| shape.id = replace(&shape.id, b"%2F", b"%5C"),
    |shape, _| shape.id = replace(&shape.id, b"https", b"http"),
    |shape, random| {
        let strange: &[&str] = &[
            ".",
            "..",
            "%2e%2e",
            "1",
            "",
            "https%3A%2F%2Fevil.example%2F1",
            "https%3A%2F%2Flms.example.com",
            "https%3A%2F%2Fu%3Ap%40lms.example.com%2F1",
            "https%3A%2F%2Flms.example.com%40evil.example%2F1",
            "%7B%22a%22",
            "scores",
            "lineitems",
        ];
        shape.id = random.one_of(strange).as_bytes().to_vec();
    },
    // The end of the id.
    |shape, random| {
        let ends: &[&str] = &[
            "%23x",
            "%23",
            "%3Fa%3Db%3Fc",
            "%3Fa%3Db",
            ";v=1",
            "%00",
            "%2F..%2F2",
            "%2F%2e%2e%2F2",
            "%2F..%3Bx%2F2",
            "%2F.",
            "%5C..%5C2",
            "%2F",
            "%2F%2F",
            "%252F..%252F2",
            "+",
            "%zz",
            "%",
            "%E0%A4",
            "|^",
            "%20",
            "%0D%0Ax-evil%3A1",
            "/scores/scores",
            "%2Fscores",
        ];
        shape.id.extend_from_slice(random.one_of(ends).as_bytes());
    },
    // Dot segments.
    |shape, random| {
        let dots: &[&str] = &[
            "/./",
            "/x/../",
            "/%2e/",
            "/x/%2e%2e/",
            "/x/.%2E/",
            "/x/..;/",
            "/x/..;v=1/",
            "/.;x/",
            "/x%2F../",
            "/x/..%2F",
        ];
        shape.slashes[random.below(4)] = random.one_of(dots).as_bytes().to_vec();
    },
    // The end.
    |shape, random| {
        let tails: &[&str] = &[
            "/",
            "//",
            "/.",
            "/..",
            "/x/..",
            "?",
            "?x=1",
            "?ltik=EVIL",
            "?userId=1&limit=2",
            "?_method=PUT",
            "?url=https%3A%2F%2Fevil.example%2F",
            "#",
            "#frag",
            "?a#b",
            "#/x/scores",
            ";v=1",
            ";",
            ".json",
            "%20",
            "%09",
            "%2F",
            "%3F",
            "%3Fa=b",
            "%23",
            "%00",
            "%5C",
            "\\",
            "/extra",
            "%zz",
            "%",
            "+",
        ];
        shape
            .tail
            .extend_from_slice(random.one_of(tails).as_bytes());
    },
    |shape, random| {
        let value = random.below(1000);
        shape.tail.extend(format!("?x={value}&y=%2Fscores").bytes());
    },
    // The front: absolute form, prefixes.
    |shape, random| {
        let schemes: &[&str] = &["http", "HTTP", "https", "ftp", "ws", "javascript", "x+y"];
        let hosts: &[&str] = &[
            "gateway.test",
            "evil.example:99",
            "u:p@gateway.test",
            "@",
            "",
        ];
        let (scheme, host) = (random.one_of(schemes), random.one_of(hosts));
        shape.front = format!("{scheme}://{host}").into_bytes();
    },
    |shape, random| {
        let prefixes: &[&str] = &[
            "/x",
            "/x/..",
            "/.",
            "/admin",
            "/api",
            "/api/lineitems/..",
            "/%2e%2e",
            "*",
            "x",
            "/v1",
            "\\",
            "?/",
        ];
        shape.front = random.one_of(prefixes).as_bytes().to_vec();
    },
    // Methods, and what overrides them.
    |shape, random| {
        let methods: &[&str] = &[
            "post", "Post", "PUT", "PATCH", "HEAD", "GET", "DELETE", "OPTIONS", "put", "head",
        ];
        shape.method = (*random.one_of(methods)).to_owned();
    },
    |shape, random| {
        let headers: &[&str] = &[
            "X-HTTP-Method-Override: POST\r\n",
            "X-HTTP-Method-Override: PUT\r\n",
            "X-Method-Override: POST\r\n",
            "X-HTTP-Method: POST\r\n",
            "X-Original-URL: /api/lineitems/1/scores\r\n",
            "X-Rewrite-URL: /api/lineitems/1/scores\r\n",
            "X-Forwarded-Prefix: /api\r\n",
        ];
        let methods: &[&str] = &["POST", "GET", "PUT", "PATCH"];
        shape.header = (*random.one_of(headers)).to_owned();
        shape.method = (*random.one_of(methods)).to_owned();
    },
    |shape, random| {
        let methods: &[&str] = &["GET", "PUT", "PATCH", "HEAD"];
        shape.method = (*random.one_of(methods)).to_owned();
        shape.tail = b"?_method=POST".to_vec();
    },
    // Bytes that stand nowhere in a target, and any byte anywhere.
    |shape, random| {
        let bytes: &[&[u8]] = &[
            b"\xC3\xA9",
            b"\xFF",
            b"\x80",
            b"\x7F",
            b"\x01",
            b"\t",
            b"\0",
            b"\"",
            b"{",
            b"<",
        ];
        let bytes = random.one_of(bytes);
        shape.part(random).extend_from_slice(bytes);
    },
    |shape, random| {
        let byte = 0x21 + random.below(0x5E);
        let part = shape.part(random);
        let at = random.below(part.len() + 1);
        part.insert(at, u8::try_from(byte).unwrap());
    },
    |shape, random| {
        let byte = random.below(256);
        let part = shape.part(random);
        let at = random.below(part.len() + 1);
        let escape = format!("%{byte:02X}").into_bytes();
        part.splice(at..at, escape);
    },
    |shape, random| {
        let part = shape.part(random);
        if !part.is_empty() {
            part.remove(random.below(part.len()));
        }
    },
];

/// Writes one byte as an escape, in upper or lower hex digits.
fn escape_one(part: &mut Vec<u8>, random: &mut Random, sign: &str) {
    if part.is_empty() {
        return;
    }
    let at = random.below(part.len());
    let byte = part[at];
    let escape = match random.below(2) {
        0 => format!("{sign}{byte:02X}"),
        _ => format!("{sign}{byte:02x}"),
    };
    part.splice(at..=at, escape.into_bytes());
}

fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(old.len()).position(|part| part == old) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number under `end`, which isn't 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
