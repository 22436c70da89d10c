//! Are the servers that the tester is tested on what their tables say? Asked with plain requests.

#[path = "../servers/mod.rs"]
mod servers;

mod http2; // requests that leave together, over HTTP/2
mod plain; // a client that knows HTTP/1.1 and no more

mod honest; // what correct servers must never do, whatever their dialect
mod show; // the defects, by the name of the server that has them

use std::collections::HashSet;

use plain::Client;

/// Enough for what happens in one round of ten.
const ROUNDS: u32 = 60;

#[test]
fn each_server_has_a_name_of_its_own() {
    let broken = servers::broken().into_iter().map(|server| server.name);
    let correct = servers::correct().into_iter().map(|server| server.name);
    let mut names = HashSet::new();
    for name in broken.chain(correct) {
        assert!(names.insert(name), "two are called {name}");
    }
}

#[test]
fn each_broken_server_shows_its_defect() {
    for server in servers::broken() {
        let shows = show::of(server.name);
        let running = server.start();
        let client = Client::new(&running.urls, &server.options().headers);
        assert!(
            (0..ROUNDS).any(|_| shows(&client)),
            "{}: {}",
            server.name,
            server.defect
        );
    }
}

/// Else it would not be the server that is broken, but the way of asking.
#[test]
fn a_correct_server_shows_no_defect() {
    for server in servers::broken() {
        // A hash of the content is legal, and so is writing what nothing forbids.
        let is_legal = ["hashed-tag", "nothing-required", "no-validator"].contains(&server.name);
        let wrong_by_dialect = server.wrong.is_none();
        if is_legal || wrong_by_dialect {
            continue;
        }
        let shows = show::of(server.name);
        let running = servers::Running::start(server.speaks, None);
        let client = Client::new(&running.urls, &server.options().headers);
        assert!(!(0..5).any(|_| shows(&client)), "{}", server.name);
    }
}

#[test]
fn correct_servers_lose_nothing() {
    for server in servers::correct() {
        honest::examine(&server);
    }
}
