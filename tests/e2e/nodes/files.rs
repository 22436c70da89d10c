use tempfile::TempDir;

use super::{Cluster, Folder, Nodes, at_once, count, serve_on};
use crate::files::{create, delete_against_writes, large, names, put};
use crate::server::Server;

/// Servers on one database, which see one folder of contents.
fn nodes(count: usize, contents: &TempDir) -> Nodes {
    let database = Cluster::shared().database();
    let config = format!("[files]\nfolder = {:?}\n", contents.path());
    let config = format!("undeclared_collections = \"allow\"\n{config}");
    let node = || {
        let folder = Folder::with_config(&config);
        let mut command = serve_on(&folder, database.url());
        command
            .arg("--config")
            .arg(folder.path().join("detente.toml"));
        Server::start_as(folder, command)
    };
    let servers = (0..count).map(|_| node()).collect();
    Nodes { database, servers }
}

/// What one node acknowledged is what every other shows, whole; and of many uploads with one tag one is stored.
#[tokio::test(flavor = "multi_thread")]
async fn files_are_the_same_on_every_node() {
    let contents = TempDir::new().unwrap();
    let nodes = nodes(3, &contents);
    let clients = nodes.crowd(30).await;
    let mut tag = create(&clients[0], "/files/shared/x", "start").await;
    let filling = large(40_000);
    for round in 0..20 {
        let filling = if round % 2 == 0 { "" } else { &filling[..] };
        let answers = at_once(&clients, |n, client| {
            let (tag, content) = (tag.clone(), format!("{round} {n} {filling}"));
            async move {
                let ask = put(&client, "/files/shared/x", &content);
                ask.if_match(&tag).send().await
            }
        })
        .await;
        let counts = (count(&answers, 204), count(&answers, 409));
        assert_eq!(counts, (1, 29), "round {round}");
        let winner = answers.iter().position(|it| it.status == 204).unwrap();
        tag = answers[winner].tag();
        for client in &clients[..3] {
            let stored = client.get("/files/shared/x").await;
            assert_eq!(stored.tag(), tag);
            assert!(
                stored.text() == format!("{round} {winner} {filling}"),
                "round {round}"
            );
            assert_eq!(names(client, "/files/shared/").await, ["x"]);
        }
    }
    nodes.end_with(&contents);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_node_leaves_a_file_without_its_folder() {
    let contents = TempDir::new().unwrap();
    let nodes = nodes(2, &contents);
    delete_against_writes(&nodes.crowd(16).await, 15).await;
    nodes.end_with(&contents);
}
