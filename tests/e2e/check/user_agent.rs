use super::tester::Tester;
use super::unguarded::Unguarded;

/// Whatever the command, a server can set the tester's requests aside, unless the user names them otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn every_command_names_itself_to_the_server() {
    let server = Unguarded::start().await;
    let url = server.url.clone();
    let scenario =
        format!("base: {url}\nscenario: one\nsteps:\n  - PUT: {url}\n    json: {{title: Done}}\n");
    let commands: &[&[&str]] = &[
        &["check", &url, "--rounds", "1", "--writers", "2"],
        &["check", "new", &url],
        &["check", "one.yaml"],
        &["check", "--openapi", &url],
        &["race", "-n", "2", &url],
    ];
    for command in commands {
        for (options, named) in [
            (
                &[][..],
                concat!("detente-check/", env!("CARGO_PKG_VERSION")),
            ),
            (&["-H", "User-Agent: nightly"], "nightly"),
        ] {
            let command: Vec<_> = [*command, options].concat();
            let run = tokio::task::block_in_place(|| {
                let tester = Tester::new();
                tester.write("one.yaml", &scenario);
                tester.run(&command)
            });
            let seen = server.user_agents();
            assert!(seen.iter().eq([named]), "{command:?}: {seen:?}\n{run}");
        }
    }
}
