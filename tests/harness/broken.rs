//! A decider that breaks the rules of gRPC, of HTTP/2 or of TCP.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response};
use socket2::{SockRef, Socket};
use tokio::net::{TcpListener, TcpStream};

use crate::background::Background;
use crate::port::Port;

/// A decider whose answers are chosen call by call, valid ones included.
pub struct Broken {
    port: Port,
    _server: Background,
}

/// The fate of a call, or of its connection.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing, ever.
    Nothing,
    /// The stream is reset.
    Reset(Reason),
    /// GOAWAY: the connection ends with this call.
    GoAway(Reason),
    /// These bytes, whatever they are, and then the connection's end.
    Raw(&'static [u8]),
    /// The connection is cut off: the next to read from it gets an error.
    CutOff,
    /// An answer.
    Answer {
        /// Its head.
        head: Box<Response<()>>,
        /// Its body.
        body: Bytes,
        /// Its trailers. Without any, the stream ends with the body.
        trailers: Option<HeaderMap>,
    },
}

impl Fault {
    /// A message, in a valid answer.
    pub fn message(message: impl AsRef<[u8]>) -> Self {
        Self::body(frame(message.as_ref()), Some("0"))
    }

    /// The bytes of an answer's body, and its `grpc-status`.
    pub fn body(body: impl Into<Bytes>, status: Option<&'static str>) -> Self {
        let trailers =
            status.map(|status| HeaderMap::from_iter([(STATUS, HeaderValue::from_static(status))]));
        Self::Answer { head: head(200, "application/grpc"), body: body.into(), trailers }
    }

    /// A `grpc-status` in the head, and no message.
    #[must_use]
    pub fn status(status: &str) -> Self {
        let mut head = head(200, "application/grpc");
        head.headers_mut().insert(STATUS, status.parse().expect("the value of a header"));
        Self::Answer { head, body: Bytes::new(), trailers: None }
    }

    /// An HTTP answer that is no gRPC.
    pub fn http(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::Answer { head: head(status, content_type), body: body.into(), trailers: None }
    }
}

const STATUS: http::HeaderName = http::HeaderName::from_static("grpc-status");

fn head(status: u16, content_type: &'static str) -> Box<Response<()>> {
    let head = Response::builder().status(status).header("content-type", content_type);
    Box::new(head.body(()).expect("a head"))
}

/// A gRPC message as it stands in a body: not compressed, and its length before it.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a length");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

impl Broken {
    /// Starts a decider that chooses the fault by the head of the call.
    pub fn start(fault: impl FnMut(&Parts) -> Fault + Send + 'static) -> Self {
        let fault = Arc::new(Mutex::new(fault));
        Self::accepting(move |stream| serve(stream, fault.clone()))
    }

    /// Starts a decider with the same fault for every call.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self::start(move |_| fault.clone())
    }

    /// Starts a decider that accepts connections, and never sends anything.
    #[must_use]
    pub fn mute() -> Self {
        Self::accepting(|stream| async move {
            let _open = stream;
            std::future::pending().await
        })
    }

    /// Starts a decider that cuts off every connection at once.
    #[must_use]
    pub fn hanging_up() -> Self {
        Self::accepting(|stream| async move { cut_off(&SockRef::from(&stream)) })
    }

    /// Starts a decider that speaks HTTP/1.
    #[must_use]
    pub fn of_the_past() -> Self {
        Self::accepting(|stream| async move {
            let _ = stream.try_write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}");
        })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.port.url()
    }

    fn accepting<F>(connection: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let port = Port::free();
        let listener = port.listen();
        let server = Background::run(move || async move {
            let listener = TcpListener::from_std(listener).expect("it does not block");
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(connection(stream));
            }
        });
        Self { port, _server: server }
    }
}

/// Where a connection ends with other calls under way, a debug assertion of h2 may complain on stderr; it harms nothing.
async fn serve(stream: TcpStream, fault: Arc<Mutex<impl FnMut(&Parts) -> Fault>>) {
    let socket = SockRef::from(&stream).try_clone().expect("a second handle");
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut unanswered = Vec::new();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let (head, body) = request.into_parts();
        let fault = fault.lock().unwrap_or_else(PoisonError::into_inner)(&head);
        match fault {
            Fault::Nothing => unanswered.push((respond, body)),
            Fault::Reset(reason) => respond.send_reset(reason),
            Fault::GoAway(reason) => connection.abrupt_shutdown(reason),
            Fault::Raw(bytes) => {
                let _ = (&socket).write_all(bytes);
                return;
            }
            Fault::CutOff => return cut_off(&socket),
            // A call that was cancelled meanwhile is no error.
            Fault::Answer { head, body, trailers } => {
                drop(answer(&mut respond, *head, body, trailers))
            }
        }
    }
}

fn answer(
    respond: &mut SendResponse<Bytes>,
    head: Response<()>,
    body: Bytes,
    trailers: Option<HeaderMap>,
) -> Result<(), h2::Error> {
    let ends = body.is_empty() && trailers.is_none();
    let mut stream = respond.send_response(head, ends)?;
    match trailers {
        _ if ends => Ok(()),
        None => stream.send_data(body, true),
        Some(trailers) => {
            stream.send_data(body, false)?;
            stream.send_trailers(trailers)
        }
    }
}

/// Makes the coming close a reset.
fn cut_off(socket: &Socket) {
    let _ = socket.set_linger(Some(Duration::ZERO));
}
