use crate::model::Exchange;

/// More clients than this share the last lane.
const MOST_LANES: usize = 40;

/// Which row each exchange is drawn in.
pub(super) struct Rows {
    /// By the places of the exchanges.
    pub of: Vec<usize>,
    /// The first row of each client, and its name.
    pub names: Vec<(usize, String)>,
}

impl Rows {
    pub(super) fn count(&self) -> usize {
        self.of.iter().max().map_or(0, |last| last + 1)
    }
}

/// A lane for each client in the order in which they appear; more rows where exchanges of one overlap.
pub(super) fn rows(exchanges: &[&Exchange]) -> Rows {
    let mut actors: Vec<&str> = Vec::new();
    for exchange in exchanges {
        if !actors.contains(&&*exchange.actor) {
            actors.push(&exchange.actor);
        }
    }
    let shared = actors.len().saturating_sub(MOST_LANES);
    let lane = |actor: &str| {
        let lane = actors.iter().position(|it| *it == actor).unwrap_or(0);
        if shared > 0 {
            lane.min(MOST_LANES - 1)
        } else {
            lane
        }
    };
    let mut of = vec![0; exchanges.len()];
    let mut names = Vec::new();
    let mut first = 0;
    for (number, actor) in actors.iter().take(MOST_LANES).enumerate() {
        let name = if shared > 0 && number == MOST_LANES - 1 {
            format!("{} others", shared + 1)
        } else {
            (*actor).to_owned()
        };
        names.push((first, name));
        // When each row is free again; a shared lane does not grow without end.
        let mut free = Vec::new();
        for (place, exchange) in exchanges.iter().enumerate() {
            if lane(&exchange.actor) != number {
                continue;
            }
            let row = free.iter().position(|until| *until <= exchange.begun);
            let row = match row {
                Some(row) => row,
                None if free.len() < 8 => {
                    free.push(exchange.ended);
                    free.len() - 1
                }
                None => 7,
            };
            free[row] = exchange.ended;
            of[place] = first + row;
        }
        first += free.len().max(1);
    }
    Rows { of, names }
}
