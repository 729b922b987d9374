//! Just enough of HTTP/1.1 to generate load and to answer it: one message from a growing buffer.

/// A message that has arrived whole.
pub struct Message<'a> {
    pub first_line: &'a str,
    pub headers: &'a str,
    pub body: Vec<u8>,
    /// Its length on the wire, in bytes.
    pub length: usize,
}

/// The message that `buffer` begins with, once all of it is there.
pub fn message(buffer: &[u8]) -> Option<Message<'_>> {
    let end = head_end(buffer)?;
    let head = std::str::from_utf8(buffer.get(..end)?).ok()?;
    let (first_line, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let rest = buffer.get(end + 4..)?;
    let (body, length) = match header(headers, "transfer-encoding") {
        Some(_) => dechunk(rest)?,
        None => {
            let length =
                header(headers, "content-length").map_or(Some(0), |text| text.parse().ok())?;
            (rest.get(..length)?.to_vec(), length)
        }
    };
    Some(Message {
        first_line,
        headers,
        body,
        length: end + 4 + length,
    })
}

/// Where the head's last line ends.
pub fn head_end(buffer: &[u8]) -> Option<usize> {
    buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")
}

/// The first header of that name.
pub fn header<'a>(headers: &'a str, name: &str) -> Option<&'a str> {
    headers.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The content of a chunked body, and its length on the wire.
fn dechunk(wire: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = wire.get(at..)?;
        let line = rest.windows(2).position(|bytes| bytes == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        let start = line + 2;
        body.extend_from_slice(rest.get(start..start + size)?);
        rest.get(..start + size + 2)?;
        at += start + size + 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}
