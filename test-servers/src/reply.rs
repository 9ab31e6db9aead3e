//! Answers of a server, read from the wire.

use std::fmt;
use std::io::{self, BufRead};

/// What a server answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply {
    /// Several answers.
    Array(Vec<Reply>),
    /// Bytes.
    Bulk(Vec<u8>),
    /// A refusal, starting with its code.
    Error(String),
    /// A number.
    Integer(i64),
    /// Nothing.
    Nil,
    /// A word such as `OK`.
    Status(String),
}

impl Reply {
    /// Reads one reply of protocol version 2.
    pub(crate) fn read(input: &mut impl BufRead) -> io::Result<Self> {
        let line = read_line(input)?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| malformed(&line))?;
        match kind {
            "+" => Ok(Self::Status(rest.to_owned())),
            "-" => Ok(Self::Error(rest.to_owned())),
            ":" => rest.parse().map(Self::Integer).map_err(|_| malformed(&line)),
            "$" => read_bulk(input, rest),
            "*" => read_array(input, rest),
            _ => Err(malformed(&line)),
        }
    }
}

/// Shows one element a line, and nil as nothing.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(items) => {
                let lines: Vec<_> = items.iter().map(Self::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Bulk(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Self::Error(text) | Self::Status(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Nil => Ok(()),
        }
    }
}

fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    let text = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(text.to_owned())
}

fn read_bulk(input: &mut impl BufRead, length: &str) -> io::Result<Reply> {
    let Some(length) = parse_length(length)? else { return Ok(Reply::Nil) };
    let mut bytes = vec![0; length + 2];
    input.read_exact(&mut bytes)?;
    bytes.truncate(length);
    Ok(Reply::Bulk(bytes))
}

fn read_array(input: &mut impl BufRead, length: &str) -> io::Result<Reply> {
    let Some(length) = parse_length(length)? else { return Ok(Reply::Nil) };
    Ok(Reply::Array((0..length).map(|_| Reply::read(input)).collect::<io::Result<_>>()?))
}

fn parse_length(text: &str) -> io::Result<Option<usize>> {
    if text == "-1" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| malformed(text))
}

fn malformed(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a reply: {line:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_reply_is_read() {
        let wire = b"*6\r\n+OK\r\n-ERR no\r\n:7\r\n$2\r\na\n\r\n$-1\r\n*0\r\n";

        let reply = Reply::read(&mut wire.as_slice()).unwrap();

        let expected = vec![
            Reply::Status("OK".into()),
            Reply::Error("ERR no".into()),
            Reply::Integer(7),
            Reply::Bulk(b"a\n".into()),
            Reply::Nil,
            Reply::Array(vec![]),
        ];
        assert_eq!(reply, Reply::Array(expected));
    }

    #[test]
    fn half_a_reply_is_an_error() {
        assert!(Reply::read(&mut b"$5\r\nab".as_slice()).is_err());
        assert!(Reply::read(&mut b"+OK".as_slice()).is_err());
        assert!(Reply::read(&mut b"\r\n".as_slice()).is_err());
    }
}
