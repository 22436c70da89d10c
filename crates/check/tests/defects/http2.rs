use bytes::Bytes;
use h2::client;
use http::{Request, StatusCode};
use tokio::net::TcpStream;

/// Sends PUTs with one tag over one connection, and all bodies after all heads.
///
/// It panics when the server of the test does not speak HTTP/2.
pub(crate) fn put_together(
    authority: &str,
    path: &str,
    tag: &str,
    bodies: Vec<String>,
) -> Vec<StatusCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime
        .block_on(put_all(authority, path, tag, bodies))
        .expect("the server speaks HTTP/2")
}

async fn put_all(
    authority: &str,
    path: &str,
    tag: &str,
    bodies: Vec<String>,
) -> Result<Vec<StatusCode>, h2::Error> {
    let stream = TcpStream::connect(authority)
        .await
        .expect("the server listens");
    let (mut sender, connection) = client::handshake(stream).await?;
    let connection = tokio::spawn(connection);
    let mut streams = Vec::new();
    for body in bodies {
        let request = Request::put(format!("http://{authority}{path}"))
            .header("if-match", tag)
            .body(())
            .expect("the parts of a test's request are valid");
        sender = sender.ready().await?;
        let (response, body_stream) = sender.send_request(request, false)?;
        streams.push((response, body_stream, body));
    }
    let mut responses = Vec::new();
    for (response, mut body_stream, body) in streams {
        body_stream.send_data(Bytes::from(body), true)?;
        responses.push(response);
    }
    let mut statuses = Vec::new();
    for response in responses {
        statuses.push(response.await?.status());
    }
    connection.abort();
    Ok(statuses)
}
