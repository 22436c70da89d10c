use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::server::Server;
use crate::store::Embedded;

/// A stream of server-sent events, read as a browser would.
pub(crate) struct Stream {
    response: reqwest::Response,
    buffer: String,
    /// The last id that was seen, which a browser sends when it connects again.
    pub(crate) last_id: String,
}

pub(crate) struct Event {
    /// `message` where the block names none.
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

impl Stream {
    pub(crate) async fn open(url: &str, last_id: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http.get(url).header("Accept", "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
            last_id: String::new(),
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                if let Some(event) = self.read(&block) {
                    return Some(event);
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await;
            let chunk = chunk.expect("the stream is silent").ok().flatten()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    fn read(&mut self, block: &str) -> Option<Event> {
        let (mut data, mut name) = (String::new(), "message");
        for line in block.lines() {
            if let Some(id) = line.strip_prefix("id: ") {
                id.clone_into(&mut self.last_id);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data.push_str(text);
            } else if let Some(event) = line.strip_prefix("event: ") {
                name = event;
            }
        }
        (!data.is_empty()).then(|| Event {
            name: name.to_owned(),
            id: self.last_id.clone(),
            data: serde_json::from_str(&data).unwrap(),
        })
    }
}

async fn write_many(client: &Client, from: usize, to: usize) {
    for n in from..to {
        let path = format!("/api/c{}/{n}", n % 3);
        client
            .create(&path, &format!("{{\n\"n\" : {n}\r\n}}"))
            .await;
    }
}

#[tokio::test]
async fn pages_go_on_where_they_ended() {
    let server = Server::start();
    let client = server.client();
    write_many(&client, 0, 30).await;
    client
        .ask("DELETE", "/api/c0/0")
        .if_match("*")
        .by("bob")
        .send()
        .await;
    let mut seen = Vec::new();
    let mut since = "0".to_owned();
    loop {
        let page = client
            .get(&format!("/api/_changes?limit=7&since={since}"))
            .await
            .json();
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        since = page["last"].as_str().unwrap().to_owned();
        if page["next"].is_null() {
            break;
        }
        assert_eq!(page["next"], since.as_str());
    }
    let seqs: Vec<_> = seen
        .iter()
        .map(|item| item["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=31).collect::<Vec<_>>());
    let last = seen.last().unwrap();
    assert_eq!(
        (&last["deleted"], &last["updated_by"]),
        (&Value::Bool(true), &Value::from("bob"))
    );
    assert!(last.get("data").is_none());
    let own = client.get("/api/c1/_changes").await.json();
    assert_eq!(own["items"].as_array().unwrap().len(), 10);
    let now = client.get("/api/_changes?since=now").await.json();
    assert_eq!(now["items"].as_array().unwrap().len(), 0);
    assert!(now["last"].as_str().unwrap().starts_with("31-"), "{now}");
    for query in [
        "since=x",
        "since=-1",
        "since=+1",
        "since=1-",
        "since=1-X",
        "limit=0",
        "nope=1",
    ] {
        assert_eq!(
            client.get(&format!("/api/_changes?{query}")).await.status,
            400,
            "{query}"
        );
    }
}

/// Reconnecting at every third event while writes go on: neither gap nor repeat.
#[tokio::test]
async fn a_stream_resumes_without_gap_or_repeat() {
    let server = Server::start();
    let client = server.client();
    let url = format!("{}/api/_changes?since=now", server.url());
    write_many(&client, 0, 5).await;
    let mut stream = Stream::open(&url, None).await;
    let writes = tokio::spawn({
        let client = client.clone();
        async move { write_many(&client, 5, 205).await }
    });
    let mut seen = Vec::new();
    while seen.len() < 200 {
        let event = stream.next().await.expect("the stream goes on");
        assert_eq!(
            event.id.split_once('-').unwrap().0,
            event.data["seq"].to_string()
        );
        seen.push(event.data["seq"].as_u64().unwrap());
        if seen.len() % 3 == 0 {
            let last_id = stream.last_id.clone();
            stream = Stream::open(&url, Some(&last_id)).await;
        }
    }
    writes.await.unwrap();
    assert_eq!(seen, (6..=205).collect::<Vec<_>>());
}

/// A client that loses the connection before its first event knows where it began.
#[tokio::test]
async fn a_stream_says_where_it_begins() {
    let server = Server::start();
    let client = server.client();
    write_many(&client, 0, 3).await;
    let url = format!("{}/api/_changes?since=now", server.url());
    let mut stream = Stream::open(&url, None).await;
    let chunk = stream.response.chunk().await.unwrap().unwrap();
    assert!(std::str::from_utf8(&chunk).unwrap().starts_with("id: 3-"));
    drop(stream);
    write_many(&client, 3, 4).await;
    let mut stream = Stream::open(&url, Some("3")).await;
    assert_eq!(stream.next().await.unwrap().data["seq"], 4);
}

/// An older copy of the store was put back: whoever was further is told, and gets everything again.
#[tokio::test]
async fn a_client_that_was_further_than_the_log_begins_again() {
    if Embedded::File.is_absent() {
        return;
    }
    let server = Server::start();
    let client = server.client();
    write_many(&client, 0, 4).await;
    let folder = server.stop();
    let copy = folder.path().join("copy");
    copy_folder(&folder.data(), &copy);
    let server = Server::start_in(folder);
    write_many(&server.client(), 4, 9).await;
    let url = format!("{}/api/_changes?since=now", server.url());
    let stream = Stream::open(&url, None).await;
    drop(stream);
    let folder = server.stop();
    std::fs::remove_dir_all(folder.data()).unwrap();
    std::fs::rename(&copy, folder.data()).unwrap();
    let server = Server::start_in(folder);
    let client = server.client();

    for path in ["/api/_changes", "/api/c0/_changes", "/api/c0/0/_changes"] {
        let url = format!("{}{path}?since=now", server.url());
        let mut stream = Stream::open(&url, Some("9")).await;
        let reset = stream.next().await.unwrap();
        assert_eq!(&*reset.name, "reset", "{path}");
        let (zero, epoch) = reset.id.split_once('-').unwrap();
        assert_eq!(zero, "0", "{path}");
        let last = format!("4-{epoch}");
        assert_eq!(reset.data, serde_json::json!({"since": "9", "last": last}));
        let first = stream.next().await.unwrap();
        assert_eq!((&*first.name, &first.data["seq"]), ("change", &1.into()));
        let page = client.get(&format!("{path}?since=9&limit=1")).await.json();
        assert_eq!(
            (&page["reset"], &page["items"][0]["seq"]),
            (&true.into(), &1.into())
        );
        let next = client.get(&format!("{path}?since=4")).await.json();
        assert!(next.get("reset").is_none(), "{next}");
    }
    // Where the stream really is counts, not where its URL began.
    let mut stream =
        Stream::open(&format!("{}/api/_changes?since=9", server.url()), Some("3")).await;
    assert_eq!(stream.next().await.unwrap().data["seq"], 4);
}

/// The log has grown past the place again, with other versions.
#[tokio::test]
async fn a_restored_store_is_another_log_however_far_it_goes() {
    if Embedded::File.is_absent() {
        return;
    }
    type Restore = fn(&Path, &Path);
    let ways: [(&str, Restore); 2] = [
        ("another folder", |copy, data| {
            std::fs::remove_dir_all(data).unwrap();
            copy_folder(copy, data);
        }),
        ("the same file", |copy, data| {
            let content = std::fs::read(copy.join("detente.db")).unwrap();
            std::fs::write(data.join("detente.db"), content).unwrap();
        }),
    ];
    for (way, restore) in ways {
        let server = Server::start();
        write_many(&server.client(), 0, 10).await;
        let folder = server.stop();
        let copy = folder.path().join("copy");
        copy_folder(&folder.data(), &copy);
        let server = Server::start_in(folder);
        write_many(&server.client(), 10, 15).await;
        let reached = position(&server.client(), "now").await;
        let folder = server.stop();
        restore(&copy, &folder.data());
        let server = Server::start_in(folder);
        let client = server.client();
        write_many(&client, 10, 18).await;

        let page = client.get(&format!("/api/_changes?since={reached}")).await;
        let page = page.json();
        let seen = (&page["reset"], &page["items"][0]["seq"]);
        assert_eq!(seen, (&true.into(), &1.into()), "{way}");
        let url = format!("{}/api/_changes?since=now", server.url());
        let mut stream = Stream::open(&url, Some(&reached)).await;
        let reset = stream.next().await.unwrap();
        assert_eq!(
            (&*reset.name, &reset.data["since"]),
            ("reset", &reached.into()),
            "{way}"
        );
    }
}

/// What was acknowledged is there: a process that ends, however it does, begins no other log.
#[tokio::test]
async fn a_place_outlives_stops_and_crashes() {
    let server = Server::start();
    write_many(&server.client(), 0, 3).await;
    let reached = position(&server.client(), "now").await;
    let server = Server::start_in(server.crash());
    write_many(&server.client(), 3, 5).await;
    let server = Server::start_in(server.stop());
    let client = server.client();
    let page = client.get(&format!("/api/_changes?since={reached}")).await;
    let page = page.json();
    assert_eq!(
        (page.get("reset"), &page["items"][0]["seq"]),
        (None, &4.into())
    );
    let epoch = |position: &str| position.split_once('-').unwrap().1.to_owned();
    let now = position(&server.client(), "now").await;
    assert_eq!(epoch(&now), epoch(&reached));
}

async fn position(client: &Client, since: &str) -> String {
    let page = client.get(&format!("/api/_changes?since={since}")).await;
    page.json()["last"].as_str().unwrap().to_owned()
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// A page is asked for by its URL alone: the field is for streams (HTML Standard, section 9.2.3).
#[tokio::test]
async fn a_page_is_not_moved_by_the_field_of_streams() {
    let server = Server::start();
    let client = server.client();
    write_many(&client, 0, 3).await;
    for id in ["2", "x", "99"] {
        let page = client
            .ask("GET", "/api/_changes?since=1")
            .header("Last-Event-ID", id);
        let page = page.send().await;
        assert_eq!(page.status, 200, "{id}: {page:?}");
        assert_eq!(page.json()["items"][0]["seq"], 2, "{id}");
    }
}

#[tokio::test]
async fn a_stream_of_a_collection_tells_of_it_alone_and_ends_with_the_server() {
    let server = Server::start();
    let client = server.client();
    let mut stream = Stream::open(&format!("{}/api/c1/_changes", server.url()), None).await;
    write_many(&client, 0, 9).await;
    for n in [1, 4, 7] {
        let event = stream.next().await.unwrap();
        assert_eq!(
            (&event.data["collection"], &event.data["data"]["n"]),
            (&"c1".into(), &n.into())
        );
    }
    assert!(
        client
            .get("/metrics")
            .await
            .text()
            .contains("detente_change_streams 1")
    );
    let stopped = tokio::task::spawn_blocking(|| server.stop());
    assert!(stream.next().await.is_none());
    stopped.await.unwrap();
}
