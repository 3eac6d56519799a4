//! Posts one body again and again, as OpenIM does, and fails unless every answer allows. Where the body has `########`,
//! each post has its number.
//!
//! Closed loop: each caller waits for its answer, pauses, and posts again. Connections are pooled as in Go's transport:
//! a caller takes an idle one or dials, and afterwards closes its own if enough are idle already. Prints a JSON object.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

const USAGE: &str = "usage: bench-load ADDRESS PATH BODY-FILE CALLERS IDLE PAUSE-MS COUNT|SECONDSs
  CALLERS   callers at the same time
  IDLE      connections that are kept idle, at most; 0 is a new one for each post
  PAUSE-MS  mean of a caller's pauses, which are distributed exponentially
  COUNT     posts in all; or seconds, as in 5s";

/// Stands for the number of a post.
const NUMBER: &[u8] = b"########";

struct Load {
    address: String,
    post: Vec<u8>,
    /// The places of the number in the post.
    numbers: Vec<usize>,
    idle_limit: usize,
    pause: f64,
    until: Until,
    idle: RefCell<Vec<TcpStream>>,
    posts: Cell<u64>,
    dials: Cell<u64>,
    /// The time of each post, in microseconds.
    times: RefCell<Vec<u32>>,
}

enum Until {
    Posts(u64),
    Time(Instant),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [address, path, file, callers, idle, pause, until] = &args[..] else {
        return Err(USAGE.into());
    };
    let body = std::fs::read(file)?;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Go-http-client/1.1\r\n\
         Content-Length: {length}\r\nContent-Type: application/json; charset=utf-8\r\n\
         Operationid: bench-0001\r\nAccept-Encoding: gzip\r\n\r\n"
    );
    let post = [head.into_bytes(), body].concat();
    let places = post.windows(NUMBER.len()).enumerate().filter(|(_, window)| *window == NUMBER);
    let load = Rc::new(Load {
        address: address.clone(),
        numbers: places.map(|(place, _)| place).collect(),
        post,
        idle_limit: idle.parse()?,
        pause: pause.parse()?,
        until: match until.strip_suffix('s') {
            Some(seconds) => {
                Until::Time(Instant::now() + Duration::from_secs_f64(seconds.parse()?))
            }
            None => Until::Posts(until.parse()?),
        },
        idle: RefCell::default(),
        posts: Cell::default(),
        dials: Cell::default(),
        times: RefCell::default(),
    });
    LocalSet::new().run_until(run(load, callers.parse()?)).await
}

async fn run(load: Rc<Load>, callers: usize) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let callers: Vec<_> =
        (0..callers).map(|_| tokio::task::spawn_local(caller(load.clone()))).collect();
    for caller in callers {
        caller.await?.map_err(|why| format!("{}: {why}", load.address))?;
    }
    let (posts, dials) = (load.posts.get(), load.dials.get());
    let seconds = start.elapsed().as_secs_f64();
    let mut times = load.times.take();
    times.sort_unstable();
    let quantile = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times
            .get(index.min(times.len().saturating_sub(1)))
            .map_or(0.0, |time| f64::from(*time) / 1e3)
    };
    let (p50, p99) = (quantile(0.5), quantile(0.99));
    println!(
        r#"{{"posts": {posts}, "dials": {dials}, "seconds": {seconds:.3}, "p50_ms": {p50:.3}, "p99_ms": {p99:.3}}}"#
    );
    Ok(())
}

async fn caller(load: Rc<Load>) -> Result<(), String> {
    let mut answer = vec![0; 64 * 1024];
    while load.goes_on() {
        load.posts.set(load.posts.get() + 1);
        let began = Instant::now();
        load.post(&load.numbered(load.posts.get()), &mut answer).await?;
        load.times
            .borrow_mut()
            .push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        if load.pause > 0.0 {
            let milliseconds = -(1.0 - fastrand::f64()).ln() * load.pause;
            tokio::time::sleep(Duration::from_secs_f64(milliseconds / 1e3)).await;
        }
    }
    Ok(())
}

impl Load {
    fn goes_on(&self) -> bool {
        match self.until {
            Until::Posts(count) => self.posts.get() < count,
            Until::Time(end) => Instant::now() < end,
        }
    }

    /// The post with this number.
    fn numbered(&self, number: u64) -> Cow<'_, [u8]> {
        if self.numbers.is_empty() {
            return Cow::Borrowed(&self.post);
        }
        let (mut post, number) = (self.post.clone(), format!("{:08}", number % 100_000_000));
        for place in &self.numbers {
            post[*place..place + NUMBER.len()].copy_from_slice(number.as_bytes());
        }
        Cow::Owned(post)
    }

    async fn post(&self, post: &[u8], answer: &mut [u8]) -> Result<(), String> {
        let pooled = self.idle.borrow_mut().pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => self.dial().await.map_err(|why| format!("can't connect: {why}"))?,
        };
        connection.write_all(post).await.map_err(|why| format!("can't post: {why}"))?;
        let mut length = 0;
        while !is_complete(&answer[..length]) {
            match connection.read(&mut answer[length..]).await {
                Ok(0) => return Err("an answer ends early, or is too long".into()),
                Ok(read) => length += read,
                Err(why) => return Err(format!("can't read an answer: {why}")),
            }
        }
        if !is_allow(&answer[..length]) {
            return Err(format!("no allow: {}", String::from_utf8_lossy(&answer[..length])));
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.idle_limit {
            idle.push(connection);
        }
        Ok(())
    }

    async fn dial(&self) -> std::io::Result<TcpStream> {
        self.dials.set(self.dials.get() + 1);
        let connection = TcpStream::connect(&self.address).await?;
        connection.set_nodelay(true)?;
        Ok(connection)
    }
}

/// The envelope is one flat JSON object, and it is never sent in chunks: it is complete with the brace behind the head.
fn is_complete(answer: &[u8]) -> bool {
    answer.ends_with(b"}")
}

fn is_allow(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    text.starts_with("HTTP/1.1 200 ") && text.contains(r#""actionCode":0,"errCode":0,"#)
}
