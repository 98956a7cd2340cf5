//! The log: JSON lines, from the host and from its guests, through one bounded queue to one writer.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Lines that wait for the writer; further ones are dropped and counted.
const QUEUE: usize = 8192;

/// Longest line taken from a guest, in bytes.
const LINE: usize = 64 << 10;

/// Where log lines go.
#[derive(Clone)]
pub(crate) struct Log {
    lines: SyncSender<Item>,
    dropped: Arc<AtomicU64>,
    requests: bool,
}

enum Item {
    Line(String),
    Flush(SyncSender<()>),
}

impl Log {
    /// `requests`: whether lines for requests are written; problems always are.
    pub(crate) fn new(out: Box<dyn Write + Send>, requests: bool) -> Self {
        let (lines, queue) = sync_channel(QUEUE);
        std::thread::spawn(move || write_all(&queue, out));
        Self {
            lines,
            dropped: Arc::default(),
            requests,
        }
    }

    /// Whether lines for requests are wanted.
    pub(crate) fn wants_requests(&self) -> bool {
        self.requests
    }

    pub(crate) fn line(&self, line: String) {
        if self.lines.try_send(Item::Line(line)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Something went wrong in a component, or on its behalf.
    pub(crate) fn problem(&self, component: &str, problem: &str, detail: &str) {
        let at = now_ms();
        self.line(
            serde_json::json!({ "at": at, "component": component, "problem": problem, "detail": detail }).to_string(),
        );
    }

    /// Lines that were dropped because the writer was behind.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything so far is written.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.lines.send(Item::Flush(done)).is_ok() {
            // The writer is gone only when the process is.
            let _ = wait.recv_timeout(std::time::Duration::from_secs(2));
        }
    }

    /// The standard output or error of a guest.
    pub(crate) fn guest(&self, component: &Arc<str>, channel: Channel) -> GuestStream {
        GuestStream {
            log: self.clone(),
            component: Arc::clone(component),
            channel,
        }
    }
}

fn write_all(queue: &Receiver<Item>, out: Box<dyn Write + Send>) {
    let mut out = BufWriter::new(out);
    while let Ok(first) = queue.recv() {
        let mut next = Some(first);
        while let Some(item) = next.take() {
            match item {
                // A closed pipe must not stop the server.
                Item::Line(line) => {
                    let _ = out
                        .write_all(line.as_bytes())
                        .and_then(|()| out.write_all(b"\n"));
                }
                Item::Flush(done) => {
                    let _ = out.flush();
                    let _ = done.send(());
                }
            }
            next = queue.try_recv().ok();
        }
        let _ = out.flush();
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64)
}

/// Which stream of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Stdout,
    Stderr,
}

/// Turns what a guest writes into log lines.
pub(crate) struct GuestStream {
    log: Log,
    component: Arc<str>,
    channel: Channel,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines {
            log: self.log.clone(),
            component: Arc::clone(&self.component),
            channel: self.channel,
            partial: Vec::new(),
        })
    }
}

struct Lines {
    log: Log,
    component: Arc<str>,
    channel: Channel,
    partial: Vec<u8>,
}

impl Lines {
    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.keep(line);
            self.emit();
            bytes = &rest[1..];
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE.saturating_sub(self.partial.len());
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn emit(&mut self) {
        if !self.partial.is_empty() {
            let line = String::from_utf8_lossy(&self.partial);
            if let Some(line) = format_line(&self.component, self.channel, &line, self.log.requests)
            {
                self.log.line(line);
            }
            self.partial.clear();
        }
    }
}

#[derive(Deserialize)]
struct Ledger {
    component: Option<serde::de::IgnoredAny>,
}

/// A JSON object passes as it is, with the component's name; any other line is wrapped.
/// `None`: the line belongs to a request, and those are not wanted.
fn format_line(component: &str, channel: Channel, line: &str, requests: bool) -> Option<String> {
    let line = line.trim_end_matches('\r');
    if channel == Channel::Stdout
        && line.starts_with('{')
        && let Ok(ledger) = serde_json::from_str::<Ledger>(line)
    {
        if !requests {
            return None;
        }
        if ledger.component.is_some() {
            return Some(line.to_owned());
        }
        let rest = line[1..].trim_start();
        let comma = if rest.starts_with('}') { "" } else { "," };
        return Some(format!("{{\"component\":\"{component}\"{comma}{rest}"));
    }
    let name = match channel {
        Channel::Stdout => "stdout",
        Channel::Stderr => "stderr",
    };
    Some(serde_json::json!({ "component": component, name: line }).to_string())
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.emit();
    }
}

/// One line of the access log. Paths are kept without their query: it may hold personal data.
pub(crate) struct Access<'a> {
    pub(crate) component: &'a str,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) protocol: &'static str,
    pub(crate) bytes: u64,
    pub(crate) first_byte_us: u64,
    pub(crate) total_us: u64,
    /// `ok`, `aborted` (the client went away) or `broken` (the body failed).
    pub(crate) end: &'static str,
    pub(crate) bypass: Option<&'static str>,
}

impl Access<'_> {
    pub(crate) fn render(&self) -> String {
        let mut line = String::with_capacity(256);
        let ms = |us: u64| us as f64 / 1000.0;
        // Writing to a string does not fail.
        let _ = write!(
            line,
            "{{\"at\":{},\"component\":\"host\",\"to\":\"{}\",\"method\":",
            now_ms(),
            self.component
        );
        quote(&mut line, self.method);
        line.push_str(",\"path\":");
        quote(&mut line, self.path);
        let _ = write!(
            line,
            ",\"status\":{},\"protocol\":\"{}\",\"bytes\":{},\"first_byte_ms\":{:.3},\"ms\":{:.3},\"end\":\"{}\"",
            self.status,
            self.protocol,
            self.bytes,
            ms(self.first_byte_us),
            ms(self.total_us),
            self.end,
        );
        if let Some(reason) = self.bypass {
            let _ = write!(line, ",\"bypass\":\"{reason}\"");
        }
        line.push('}');
        line
    }
}

fn quote(line: &mut String, text: &str) {
    line.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_line_gets_its_component_and_other_lines_are_wrapped() {
        let out = |channel, line| format_line("edge", channel, line, true).unwrap();
        assert_eq!(
            out(Channel::Stdout, r#"{"a":1}"#),
            r#"{"component":"edge","a":1}"#
        );
        assert_eq!(out(Channel::Stdout, "{}"), r#"{"component":"edge"}"#);
        assert_eq!(
            out(Channel::Stdout, r#"{"component":"x"}"#),
            r#"{"component":"x"}"#
        );
        assert_eq!(
            out(Channel::Stdout, "{broken"),
            r#"{"component":"edge","stdout":"{broken"}"#
        );
        assert_eq!(
            out(Channel::Stderr, r#"{"a":1}"#),
            r#"{"component":"edge","stderr":"{\"a\":1}"}"#
        );
    }

    #[test]
    fn an_access_line_is_json_whatever_the_path_holds() {
        let access = Access {
            component: "edge",
            method: "GET",
            path: "/\"\\\u{1}",
            status: 200,
            protocol: "HTTP/1.1",
            bytes: 1,
            first_byte_us: 1500,
            total_us: 2000,
            end: "ok",
            bypass: Some("trap"),
        };
        let value: serde_json::Value = serde_json::from_str(&access.render()).unwrap();
        assert_eq!(value["path"], "/\"\\\u{1}");
        assert_eq!(value["first_byte_ms"], 1.5);
        assert_eq!(value["bypass"], "trap");
    }
}
