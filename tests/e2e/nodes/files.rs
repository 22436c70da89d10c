use tempfile::TempDir;

use super::{Cluster, Folder, Nodes, serve_on};
use crate::dav::{deep_lock_against_writes, lock_at_once, move_against_writes};
use crate::files::{delete_against_writes, upload_at_once};
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
    upload_at_once(&nodes.crowd(30).await, 20).await;
    nodes.end_with(&contents);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_node_leaves_a_file_without_its_folder() {
    let contents = TempDir::new().unwrap();
    let nodes = nodes(2, &contents);
    delete_against_writes(&nodes.crowd(16).await, 15).await;
    nodes.end_with(&contents);
}

/// A lock that one node gave keeps the clients of the others out, and a move on one meets the writes on others.
#[tokio::test(flavor = "multi_thread")]
async fn locks_and_moves_are_those_of_all_nodes() {
    let contents = TempDir::new().unwrap();
    let nodes = nodes(3, &contents);
    lock_at_once(&nodes.crowd(12).await, 8).await;
    deep_lock_against_writes(&nodes.crowd(12).await, 10).await;
    move_against_writes(&nodes.crowd(12).await, 16).await;
    nodes.end_with(&contents);
}
