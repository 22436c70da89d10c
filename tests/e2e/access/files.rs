//! Everybody asks for everything of files, by each face.

use super::model::{Action, Spot, may};
use super::signer::SECRET;
use super::who::{self, Who};
use super::world;
use crate::client::{Answer, Client};
use crate::server::{Folder, Server};

use Action::{BreakLock, Create, Delete, Read, Update};

/// What is in the files.
const CANARY: &str = "zqcanaryoffiles";

/// A request, and what it needs.
struct Op {
    method: &'static str,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    needs: &'static [Action],
    /// For whoever may.
    status: u16,
}

const fn op(method: &'static str, path: &'static str, needs: &'static [Action], status: u16) -> Op {
    Op {
        method,
        path,
        headers: &[],
        body: "",
        needs,
        status,
    }
}

const ANY: &[(&str, &str)] = &[("If-Match", "*")];
const NONE: &[(&str, &str)] = &[("If-None-Match", "*")];

const OPS: &[Op] = &[
    op("GET", "/files/f/x", &[Read], 200),
    op("HEAD", "/files/f/x", &[Read], 200),
    op("GET", "/files/f/", &[Read], 200),
    op("GET", "/files/", &[Read], 200),
    op("GET", "/file-versions/f/x", &[Read], 200),
    op("GET", "/file-versions/f/x?version=1", &[Read], 200),
    op("GET", "/file-locks/f/x", &[Read], 404),
    op("POST", "/files/f/", &[Create], 201),
    Op {
        headers: NONE,
        ..op("PUT", "/files/f/new", &[Create], 201)
    },
    Op {
        headers: ANY,
        ..op("PUT", "/files/f/x", &[Update], 204)
    },
    op("PUT", "/files/made/", &[Create], 201),
    Op {
        headers: ANY,
        ..op("DELETE", "/files/f/x", &[Delete], 204)
    },
    Op {
        headers: ANY,
        ..op("DELETE", "/files/f/", &[Delete], 204)
    },
    op("POST", "/file-locks/f/x", &[Update], 201),
    op("DELETE", "/file-locks/f/x?break=true", &[BreakLock], 404),
    op("GET", "/dav/f/x", &[Read], 200),
    Op {
        headers: &[("Depth", "0")],
        ..op("PROPFIND", "/dav/f/x", &[Read], 207)
    },
    Op {
        headers: &[("Depth", "1")],
        ..op("PROPFIND", "/dav/f/", &[Read], 207)
    },
    Op {
        body: "<propertyupdate xmlns=\"DAV:\"><set><prop><a xmlns=\"u\"/></prop></set></propertyupdate>",
        ..op("PROPPATCH", "/dav/f/x", &[Update], 207)
    },
    op("MKCOL", "/dav/made", &[Create], 201),
    op("PUT", "/dav/f/x", &[Update], 204),
    op("PUT", "/dav/f/new", &[Create], 201),
    op("DELETE", "/dav/f/x", &[Delete], 204),
    Op {
        headers: &[("Destination", "/dav/f/y")],
        ..op("COPY", "/dav/f/x", &[Read, Create], 201)
    },
    Op {
        headers: &[("Destination", "/dav/f/there")],
        ..op("COPY", "/dav/f/x", &[Read, Update], 204)
    },
    Op {
        headers: &[("Destination", "/dav/f/y")],
        ..op("MOVE", "/dav/f/x", &[Read, Delete, Create], 201)
    },
    Op {
        headers: &[("Destination", "/dav/g")],
        ..op("MOVE", "/dav/f", &[Read, Delete, Create], 201)
    },
    Op {
        body: "<lockinfo xmlns=\"DAV:\"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>",
        ..op("LOCK", "/dav/f/x", &[Update], 200)
    },
    Op {
        headers: &[("Lock-Token", "<urn:uuid:0>")],
        ..op("UNLOCK", "/dav/f/x", &[Update], 409)
    },
    op("GET", "/storage/SPACE/f/x", &[Read], 200),
    op("GET", "/storage/SPACE/f/", &[Read], 200),
    op("GET", "/storage/SPACE/", &[Read], 200),
    op("GET", "/storage/SPACE/public/f/", &[Read], 200),
    op("PUT", "/storage/SPACE/f/x", &[Update], 200),
    op("PUT", "/storage/SPACE/f/new", &[Create], 201),
    op("DELETE", "/storage/SPACE/f/x", &[Delete], 200),
    // Anybody may.
    op("GET", "/storage/SPACE/public/f/x", &[], 200),
    op("HEAD", "/storage/SPACE/public/f/x", &[], 200),
];

async fn ask(client: &Client, who: &Who, (space, op): (&str, &Op)) -> Answer {
    let path = match op.path.strip_prefix("/storage/SPACE") {
        Some(rest) => format!("/storage/{space}{rest}"),
        None => format!("/spaces/{space}{}", op.path),
    };
    let mut ask = client.ask(op.method, &path);
    if let Some(authorization) = &who.authorization {
        ask = ask.header("Authorization", authorization);
    }
    for (name, value) in op.headers {
        let value = match *name {
            "Destination" => format!("/spaces/{space}{value}"),
            _ => (*value).to_owned(),
        };
        ask = ask.header(name, &value);
    }
    if !op.body.is_empty() {
        ask = ask.body("application/xml", op.body);
    }
    ask.send().await
}

/// The files that there are, and the tag of all of them.
async fn prepare(client: &Client, admin: &Who, space: &str) -> String {
    let authorization = admin.authorization.as_deref().unwrap();
    let by_admin = |method: &str, path: &str| {
        let ask = client.ask(method, &format!("/spaces/{space}{path}"));
        ask.header("Authorization", authorization)
    };
    for gone in ["/dav/made", "/dav/f", "/dav/g", "/dav/public"] {
        by_admin("DELETE", gone).send().await;
    }
    for path in ["/files/f/x", "/files/f/there", "/files/public/f/x"] {
        let ask = by_admin("PUT", path).header("If-None-Match", "*");
        let made = ask.body("text/plain", CANARY).send().await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    by_admin("HEAD", "/files/").send().await.tag()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_the_files_that_are_theirs_and_nothing_else() {
    let folder = Folder::with_config(&format!(
        "{}\n[files]\nremote_storage = true\n",
        world::config()
    ));
    std::fs::write(folder.path().join("jwt.key"), SECRET).unwrap();
    let server = Server::start_in(folder);
    let client = server.client();
    let admin = who::of("admin");
    let (mut rows, mut shown) = (0, 0);
    for who in who::everybody() {
        for space in ["default", "other"] {
            let spot = Spot {
                space,
                collection: "_files",
            };
            for op in OPS {
                let before = prepare(&client, &admin, space).await;
                let answer = ask(&client, &who, (space, op)).await;
                rows += 1;
                let name = format!(
                    "{} · {} {} in {space}: {answer:?}",
                    who.label, op.method, op.path
                );
                let is_open = op.needs.is_empty() && who.authorization.is_none();
                let lacking: Vec<_> = op
                    .needs
                    .iter()
                    .filter(|it| !may(&who, **it, &spot))
                    .collect();
                if is_open || (who.is_known && lacking.is_empty()) {
                    assert_eq!(answer.status, op.status, "{name}");
                } else if who.is_known {
                    assert_eq!(answer.status, 403, "{name}");
                    if !answer.body.is_empty() {
                        let action = answer.json()["action"]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned();
                        // The gate names the first that might do.
                        let named =
                            lacking.iter().any(|it| it.word() == action) || action == "create";
                        assert!(named, "{name}");
                    }
                } else {
                    assert_eq!(answer.status, 401, "{name}");
                }
                let text = String::from_utf8_lossy(&answer.body);
                if text.contains(CANARY) {
                    shown += 1;
                    assert!(
                        is_open || op.needs.is_empty() || may(&who, Read, &spot),
                        "{name}"
                    );
                }
                if answer.status >= 400 {
                    let head = client.ask("HEAD", &format!("/spaces/{space}/files/"));
                    let head =
                        head.header("Authorization", admin.authorization.as_deref().unwrap());
                    assert_eq!(
                        head.send().await.tag(),
                        before,
                        "something was written: {name}"
                    );
                }
                // Nobody is kept out by the locks of the row.
                let unlock = client.ask(
                    "DELETE",
                    &format!("/spaces/{space}/file-locks/f/x?break=true"),
                );
                let unlock =
                    unlock.header("Authorization", admin.authorization.as_deref().unwrap());
                unlock.send().await;
            }
        }
    }
    assert!(rows >= 1500 && shown >= 100, "{rows} rows, {shown} shown");
}
