//! The tokens of callers.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use process::{Mistake, Reloadable};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs};
use subtle::{Choice, ConstantTimeEq};
use tonic::Status;

/// The tokens in a file, one a line: several while one replaces another. The file is read again when
/// it changes.
pub struct Tokens {
    file: PathBuf,
    known: Reloadable<Vec<Vec<u8>>>,
}

impl Tokens {
    /// Reads the file.
    ///
    /// # Errors
    /// It can't be read, or holds no token, or an invalid one.
    pub fn read(file: &Path) -> Result<Self, Mistake> {
        Ok(Self { file: file.to_owned(), known: Reloadable::new(parse(file)?) })
    }

    pub(super) fn refresh(&self) {
        self.known.refresh("tokens", parse(&self.file).map_err(|mistake| vec![mistake]));
    }

    /// True if one of them was sent, as `authorization: Bearer …`. All are compared, each in a time that depends on
    /// lengths only.
    fn let_in(&self, headers: &HeaderMap) -> bool {
        let header = headers.get(AUTHORIZATION).map_or(&b""[..], |header| header.as_bytes());
        let Some((scheme, sent)) = header.split_at_checked(SCHEME.len()) else {
            return false;
        };
        let matches = |any, token: &Vec<u8>| any | token.ct_eq(sent);
        let known: Choice = self.known.current().iter().fold(Choice::from(0), matches);
        scheme.eq_ignore_ascii_case(SCHEME) && known.into()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// RFC 6750; the scheme may be written in any case (RFC 9110, 11.1).
const SCHEME: &[u8] = b"Bearer ";

fn parse(path: &Path) -> Result<Vec<Vec<u8>>, Mistake> {
    let text = fs::read(path).map_err(|why| Mistake::new(path.display(), why))?;
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        match line.trim_ascii() {
            [] => {}
            token if token.iter().all(u8::is_ascii_graphic) => tokens.push(token.to_vec()),
            // Not the token itself: it may be wrong in one character only.
            _ => {
                let line = format_args!("{}:{number}", path.display());
                return Err(Mistake::new(line, "a token is visible ASCII without spaces"));
            }
        }
    }
    if tokens.is_empty() {
        return Err(Mistake::new(path.display(), "holds no token"));
    }
    Ok(tokens)
}

/// Rejects calls without a valid token.
pub(super) async fn guard(
    State(tokens): State<Arc<Tokens>>,
    request: Request,
    next: Next,
) -> Response {
    if tokens.let_in(request.headers()) {
        return next.run(request).await;
    }
    Status::unauthenticated("the call must carry `authorization: Bearer …` with a token")
        .into_http()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn read(text: &str) -> Result<Tokens, Mistake> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("a file");
        Tokens::read(file.path())
    }

    #[test]
    fn a_caller_must_send_one_of_the_tokens_as_a_whole() {
        let tokens = read("first\r\n\n second \n").expect("tokens");
        let let_in = |header: &'static str| {
            tokens
                .let_in(&HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(header))]))
        };
        for right in ["Bearer first", "Bearer second", "bearer second"] {
            assert!(let_in(right), "{right}");
        }
        let wrong =
            ["", "first", "Bearer", "Bearer ", "Bearer firs", "Bearer first1", "Bearer third"];
        for wrong in
            wrong.into_iter().chain(["Bearer  first", "Basic  first", "Bearer first second"])
        {
            assert!(!let_in(wrong), "{wrong}");
        }
        assert!(!tokens.let_in(&HeaderMap::new()));
    }

    #[test]
    fn a_mistake_does_not_show_the_token() {
        for (text, mistake) in [
            ("\n \n", ": holds no token"),
            ("right\ns3cret key\n", ":2: a token is visible ASCII without spaces"),
            ("s3crét", ":1: a token is visible ASCII without spaces"),
        ] {
            let mistakes = read(text).expect_err("no tokens").to_string();
            assert!(mistakes.ends_with(mistake) && !mistakes.contains("s3cr"), "{mistakes}");
        }
        assert_eq!(format!("{:?}", read("s3cret").expect("tokens")), "Tokens");
    }
}
