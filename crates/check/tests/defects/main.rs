//! Are the servers that the tester is tested on what their tables say? Asked with plain requests.

#[path = "../servers/mod.rs"]
mod servers;

mod http2; // requests that leave together, over HTTP/2
mod plain; // a client that knows HTTP/1.1 and no more

mod honest; // what correct servers must never do, whatever their dialect
mod show; // the defects, by the name of the server that has them

use std::collections::HashSet;

use detente_check::Severity;

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

/// What is critical or high when it fails.
#[test]
fn each_grave_probe_has_a_server_to_fail_on() {
    let probes = [
        "A2", "A3", "A5", "B1", "B2", "B3", "B7", "B9", "B12", "B13", "B14", "C4", "C7", "D1",
        "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D11", "D12", "D13", "D15", "D16", "D17",
    ];
    let broken = servers::broken();
    for probe in probes {
        let mut expected = broken.iter().flat_map(|server| server.expect);
        let grave = |severity| severity <= Severity::High;
        let found = expected.any(|failure| failure.probe == probe && grave(failure.severity));
        assert!(found, "{probe}");
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
        // Of the others, it is the dialect that is wrong, or that is asked for.
        if server.wrong.is_none() {
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
