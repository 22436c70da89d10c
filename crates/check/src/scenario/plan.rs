use super::orders;
use super::step::Step;
use super::suite::Scenario;

/// What is run, and how often. Nothing is filled in yet.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    scenario: &'a Scenario,
    /// For each order the places of the steps; one order if nothing is interleaved.
    orders: Vec<Vec<usize>>,
    /// How many orders there are.
    pub all_orders: u128,
    repeat: u32,
}

/// One time through the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Counts from 1.
    pub number: u32,
    /// Counts from 0, as the rows of the table do.
    pub row: usize,
    /// Counts from 0.
    pub order: usize,
}

impl<'a> Plan<'a> {
    /// `repeat` goes before what the scenario says.
    pub fn new(scenario: &'a Scenario, repeat: Option<u32>) -> Self {
        let (orders, all_orders) = match scenario.interleave {
            Some(max) => interleaved(scenario, max),
            None => (vec![(0..scenario.steps.len()).collect()], 1),
        };
        Self {
            scenario,
            orders,
            all_orders,
            repeat: repeat.unwrap_or(scenario.repeat),
        }
    }

    /// How many orders are run.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// The rounds, in their order.
    pub fn rounds(&self) -> impl Iterator<Item = Round> + use<'a> {
        let (rows, orders, repeat) = (self.scenario.rows.len(), self.orders.len(), self.repeat);
        let each = (0..rows).flat_map(move |row| {
            let orders = (0..orders).map(move |order| (row, order));
            orders.flat_map(move |it| (0..repeat).map(move |_| it))
        });
        (1..)
            .zip(each)
            .map(|(number, (row, order))| Round { number, row, order })
    }

    /// The steps of a round, in its order.
    pub(super) fn steps(&self, round: Round) -> Vec<&'a Step> {
        let order = self.orders.get(round.order).into_iter().flatten();
        order
            .filter_map(|at| self.scenario.steps.get(*at))
            .collect()
    }

    /// The steps of a round in words: `alice: GET /docs/1`.
    pub fn words(&self, round: Round) -> Vec<String> {
        let steps = self.steps(round).into_iter();
        steps.map(Step::words).collect()
    }
}

impl Step {
    fn words(&self) -> String {
        match self {
            Self::Send(send) => {
                let actor = send.actor.as_ref().map(|(name, _)| format!("{name}: "));
                actor.unwrap_or_default() + &send.title()
            }
            Self::Race(race) => match &race.name {
                Some(name) => name.clone(),
                None => format!("a race of {}", race.sends.len()),
            },
            Self::Wait(time) => format!("wait {time:?}"),
        }
    }
}

fn interleaved(scenario: &Scenario, max: u32) -> (Vec<Vec<usize>>, u128) {
    let places = steps_by_actor(scenario);
    let lengths: Vec<_> = places.iter().map(Vec::len).collect();
    let in_places = |order: Vec<usize>| {
        let mut next = vec![0; places.len()];
        let place = |actor: usize| {
            next[actor] += 1;
            places[actor][next[actor] - 1]
        };
        order.into_iter().map(place).collect()
    };
    let orders = orders::orders(&lengths, max).into_iter();
    (
        orders.map(in_places).collect(),
        orders::count(&lengths).unwrap_or(u128::MAX),
    )
}

/// The places of each actor's steps, in the order in which the actors appear.
pub(super) fn steps_by_actor(scenario: &Scenario) -> Vec<Vec<usize>> {
    let mut found: Vec<(&str, Vec<usize>)> = Vec::new();
    for (at, step) in scenario.steps.iter().enumerate() {
        let Step::Send(send) = step else { continue };
        let name = send.actor.as_ref().map_or("", |(name, _)| name.as_str());
        match found.iter_mut().find(|(it, _)| *it == name) {
            Some((_, places)) => places.push(at),
            None => found.push((name, vec![at])),
        }
    }
    found.into_iter().map(|(_, places)| places).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::suite::{Inputs, parse};
    use super::*;

    fn read(text: &str) -> Scenario {
        let text = format!("scenario: x\nbase: http://a\n{text}");
        let suite = parse(Path::new("x.yaml"), &text, &Inputs::default());
        suite
            .unwrap_or_else(|it| panic!("{it}"))
            .scenarios
            .remove(0)
    }

    #[test]
    fn rounds_are_rows_times_orders_times_repeats() {
        let interleaved = "interleave: all\nsteps: [{actor: a, GET: /1}, {actor: a, GET: /2}, {actor: b, GET: /3}]";
        let cases = [
            // (scenario, orders, all of them, rounds)
            ("steps: [GET: /]".to_owned(), 1, 1, 1),
            ("repeat: 7\nsteps: [GET: /]".to_owned(), 1, 1, 7),
            (
                "repeat: 2\neach: [{a: 1}, {a: 2}]\nsteps: [GET: /]".to_owned(),
                1,
                1,
                4,
            ),
            (interleaved.to_owned(), 3, 3, 3),
            (interleaved.replace("all", "{max_orders: 2}"), 2, 3, 2),
            (
                format!("repeat: 2\neach: [{{a: 1}}, {{a: 2}}]\n{interleaved}"),
                3,
                3,
                12,
            ),
        ];
        for (text, orders, all, rounds) in cases {
            let scenario = read(&text);
            let plan = Plan::new(&scenario, None);
            assert_eq!(plan.orders(), orders, "{text}");
            assert_eq!(plan.all_orders, all, "{text}");
            assert_eq!(plan.rounds().count(), rounds, "{text}");
        }
    }

    #[test]
    fn every_order_is_told_in_words() {
        let scenario = read(
            "interleave: all\nsteps: [{actor: a, GET: /1}, {actor: b, GET: /2}, {actor: a, PUT: /3}]",
        );
        let plan = Plan::new(&scenario, None);
        let words: Vec<_> = plan
            .rounds()
            .map(|round| plan.words(round).join(", "))
            .collect();
        assert_eq!(
            words,
            [
                "a: GET /1, a: PUT /3, b: GET /2",
                "a: GET /1, b: GET /2, a: PUT /3",
                "b: GET /2, a: GET /1, a: PUT /3",
            ]
        );
    }

    #[test]
    fn what_the_command_line_says_goes_first() {
        let scenario = read("repeat: 200\nsteps: [GET: /]");
        assert_eq!(Plan::new(&scenario, Some(3)).rounds().count(), 3);
    }
}
