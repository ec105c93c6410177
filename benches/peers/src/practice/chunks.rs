//! Bodies in chunks, both ways: what no measured case has, and many servers answer with.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::load::{ENDPOINTS, SILENCE};
use crate::wire::{self, HOST};

/// So many clients at once, each of which asks so often.
const CLIENTS: usize = 16;
const REQUESTS: usize = 400;

/// The lengths of bodies, in turn.
const LENGTHS: [usize; 3] = [128, 1024, 64 * 1024];

/// How a body is cut. `lb` cuts it anew.
const CHUNK: usize = 5000;

/// Endpoints that send back what they were sent, in chunks. Their threads end with this process.
pub(super) fn endpoints() -> Result<[SocketAddr; ENDPOINTS]> {
    let mut addresses = Vec::new();
    for _ in 0..ENDPOINTS {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        addresses.push(listener.local_addr()?);
        thread::spawn(move || {
            // One that breaks is missed by its client, which says so.
            for stream in listener.incoming().flatten() {
                thread::spawn(move || echo(stream));
            }
        });
    }
    Ok(addresses.try_into().expect("as many were made"))
}

fn echo(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    loop {
        head(&mut stream)?;
        let body = read(&mut stream)?;
        let mut answer = b"HTTP/1.1 200 OK\r\nServer: peers\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        write(&mut answer, &body);
        stream.get_mut().write_all(&answer)?;
    }
}

/// Has clients send bodies and compare what comes back; how many.
pub(super) fn work(lb: SocketAddr) -> Result<usize> {
    let pattern: Arc<[u8]> = wire::pattern().to_vec().into();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let pattern = Arc::clone(&pattern);
            thread::spawn(move || client(lb, &pattern))
        })
        .collect();
    for client in clients {
        client.join().expect("it says what is wrong in another way")?;
    }
    Ok(CLIENTS * REQUESTS)
}

fn client(lb: SocketAddr, pattern: &[u8]) -> Result<()> {
    let stream = TcpStream::connect(lb)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut stream = BufReader::new(stream);
    for length in LENGTHS.iter().cycle().take(REQUESTS) {
        let body = &pattern[..*length];
        let mut request = format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n").into_bytes();
        write(&mut request, body);
        stream.get_mut().write_all(&request)?;
        let status = head(&mut stream)?;
        ensure!(status.starts_with("HTTP/1.1 200 "), "a client was answered {status}");
        ensure!(read(&mut stream)? == body, "a body of {length} bytes came back as another one");
    }
    Ok(())
}

/// Reads a head whose body is in chunks; its first line.
fn head(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let first = line(stream)?;
    let mut is_chunked = false;
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            ensure!(is_chunked, "a body does not come in chunks");
            return Ok(first);
        }
        is_chunked |= line.eq_ignore_ascii_case("Transfer-Encoding: chunked");
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        bail!("a connection was closed");
    }
    Ok(line.trim_end().to_owned())
}

fn read(stream: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&line(stream)?, 16).context("a chunk's size is no number")?;
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..])?;
        ensure!(line(stream)?.is_empty(), "a chunk does not end");
        if size == 0 {
            return Ok(body);
        }
    }
}

fn write(text: &mut Vec<u8>, body: &[u8]) {
    for chunk in body.chunks(CHUNK) {
        text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        text.extend_from_slice(chunk);
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"0\r\n\r\n");
}
