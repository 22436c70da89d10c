//! Databases for a script: prints the URLs of as many as its argument says, and keeps them until its
//! input ends.

use std::io::{self, Read};

use detente_cluster::Cluster;

fn main() -> io::Result<()> {
    let count = std::env::args().nth(1).and_then(|it| it.parse().ok());
    for _ in 0..count.unwrap_or(1) {
        println!("{}", Cluster::shared().database().url());
    }
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
