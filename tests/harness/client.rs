//! An HTTP client that can send anything.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use callback_gateway::openim::reply::Style;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::Value;

use crate::PATIENCE;
use crate::verdict::Verdict;

/// A connection to the gateway, kept alive like OpenIM's.
pub struct Client {
    stream: BufReader<Box<dyn Stream>>,
    tcp: TcpStream,
}

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

impl Client {
    /// Connects.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the gateway listens")
    }

    /// Connects, if somebody listens.
    ///
    /// # Errors
    /// Nobody does.
    pub fn try_connect(address: SocketAddr) -> std::io::Result<Self> {
        Self::over(address, |tcp| Box::new(tcp))
    }

    /// Connects by TLS.
    #[must_use]
    pub fn connect_by_tls(address: SocketAddr, tls: Arc<ClientConfig>) -> Self {
        let name = ServerName::from(address.ip());
        let session = ClientConnection::new(tls, name).expect("a client");
        let client = Self::over(address, |tcp| Box::new(StreamOwned::new(session, tcp)));
        client.expect("the gateway listens")
    }

    fn over(
        address: SocketAddr,
        wrap: impl FnOnce(TcpStream) -> Box<dyn Stream>,
    ) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_nodelay(true).expect("an option that exists");
        let tcp = stream.try_clone().expect("a file descriptor");
        Ok(Self { stream: BufReader::new(wrap(stream)), tcp })
    }

    /// Sends a request, and reads the answer.
    pub fn send(&mut self, request: &Request) -> Response {
        self.try_send(request).expect("an answer in time")
    }

    /// Sends a request, and reads the answer, if there is one.
    ///
    /// # Errors
    /// As those of [`try_read`](Self::try_read).
    pub fn try_send(&mut self, request: &Request) -> std::io::Result<Response> {
        self.write(&request.bytes());
        self.try_read()
    }

    /// Writes some bytes. A gateway that has stopped reading is no error: it may have answered already.
    pub fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// Closes the writing side.
    pub fn finish(&mut self) {
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// Reads an answer.
    pub fn read(&mut self) -> Response {
        self.try_read().expect("an answer in time")
    }

    /// Reads an answer, if there is one. Interim answers (1xx) are skipped.
    ///
    /// # Errors
    /// The connection ends before an answer is complete, or nothing comes in time.
    pub fn try_read(&mut self) -> std::io::Result<Response> {
        loop {
            let (status, headers) = self.head()?;
            if status.is_informational() {
                continue;
            }
            let mut body = Vec::new();
            match headers.get(CONTENT_LENGTH).map(|length| length.to_str().map(str::parse)) {
                Some(Ok(Ok(length))) => {
                    body.resize(length, 0);
                    self.stream.read_exact(&mut body)?;
                }
                _ => drop(self.stream.read_to_end(&mut body)?),
            }
            let body = String::from_utf8(body).expect("an answer in UTF-8");
            return Ok(Response { status, headers, body });
        }
    }

    /// Limits the time of each read.
    pub fn read_timeout(&mut self, limit: Duration) {
        self.tcp.set_read_timeout(Some(limit)).expect("a timeout");
    }

    /// True if the gateway closes the connection, and sends nothing more.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.fill_buf(), Ok([]))
    }

    fn head(&mut self) -> std::io::Result<(StatusCode, HeaderMap)> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {line}"));
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else {
                return Ok((status, headers));
            };
            let name: HeaderName = name.parse().expect("the name of a header");
            headers.append(name, HeaderValue::from_str(value).expect("the value of a header"));
        }
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }
}

/// A request: well formed by default.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method; `POST` to begin with.
    pub method: String,
    /// The target, as the request line has it.
    pub target: String,
    /// The headers. `Host` and `Content-Length` are added, unless they or `Transfer-Encoding` are there.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// A POST.
    pub fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let headers = Vec::new();
        Self { method: "POST".into(), target: target.into(), headers, body: body.into() }
    }

    /// A callback as OpenIM sends it, `{"callbackCommand": command}` and the members of `body`.
    #[must_use]
    pub fn callback(style: Style, command: &str, body: &Value) -> Self {
        let mut whole = serde_json::json!({ "callbackCommand": command });
        if let (Some(whole), Some(members)) = (whole.as_object_mut(), body.as_object()) {
            whole.extend(members.clone());
        }
        Self::post(target(style, command), whole.to_string())
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend(&self.body);
        bytes
    }

    /// The bytes before the body.
    #[must_use]
    pub fn head(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            bytes.extend(b"Host: gateway\r\n");
        }
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        let framed = |name: &str| {
            name.eq_ignore_ascii_case("transfer-encoding")
                || name.eq_ignore_ascii_case("content-length")
        };
        if !self.headers.iter().any(|(name, _)| framed(name)) {
            bytes.extend(format!("Content-Length: {}\r\n", self.body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes
    }
}

/// The URL of a command.
pub(crate) fn target(style: Style, command: &str) -> String {
    match style {
        Style::Path => format!("/callbackExample/{command}"),
        Style::Query => format!("/callback?command={command}&contenttype=json"),
    }
}

/// An answer of the gateway.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: String,
}

impl Response {
    /// The verdict, as OpenIM reads it.
    ///
    /// # Panics
    /// The answer is neither of the two envelopes in the style.
    #[must_use]
    pub fn verdict(&self, style: Style) -> Verdict {
        let verdict = Verdict::read(style, &self.body)
            .unwrap_or_else(|problem| panic!("{problem}: {self:?}"));
        let json =
            self.headers.get(CONTENT_TYPE).is_some_and(|t| t == "application/json; charset=utf-8");
        assert!(json, "not marked as JSON: {self:?}");
        let expected = match &verdict {
            Verdict::Allow(_) => self.status == StatusCode::OK,
            Verdict::Refuse { .. } => {
                self.status == StatusCode::OK || self.status.is_client_error()
            }
        };
        assert!(expected, "the wrong HTTP status: {self:?}");
        verdict
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}
