use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const S: u64 = 1_000_000_000;

fn rate(per_second: f64, burst: u32) -> Option<Rate> {
    Some(Rate::new(per_second, burst).unwrap())
}

fn limiter(reads: Option<Rate>, writes: Option<Rate>, refusals: Option<Rate>) -> Limiter {
    Limiter::new(Limits {
        reads,
        writes,
        refusals,
    })
}

const ANN: Who<'_> = Who::Principal("ann");

#[test]
fn allowances_go_and_come_back() {
    let limiter = limiter(None, rate(2.0, 3), None);
    let second = Duration::from_millis;
    let cases = [
        // (at, allowed, remaining, until one more)
        (0, true, 2, second(500)),
        (0, true, 1, second(500)),
        (S / 4, true, 0, second(250)),
        (S / 4, false, 0, second(250)),
        (S / 2 - 1, false, 0, Duration::from_nanos(1)),
        (S / 2, true, 0, second(500)),
        (S / 2, false, 0, second(500)),
        (10 * S, true, 2, second(500)),
        // The clock went back.
        (9 * S, false, 0, second(500)),
    ];
    for (at, allowed, remaining, next) in cases {
        let checked = limiter.check(ANN, Class::Writes, at);
        let standing = Standing {
            class: Class::Writes,
            quota: 3,
            window_s: 2,
            remaining,
            next,
        };
        let expected = match allowed {
            true => Ok(Some(standing)),
            false => Err(Exceeded(standing)),
        };
        assert_eq!(checked, expected, "at {at}");
        assert_eq!(limiter.check(ANN, Class::Reads, at), Ok(None));
    }
    let told = limiter.check(ANN, Class::Writes, 9 * S).unwrap_err();
    assert_eq!(
        told.to_string(),
        "too many writes: one more is allowed in 1 s"
    );
}

#[test]
fn whoever_was_refused_too_often_waits_with_everything() {
    let limiter = limiter(rate(100.0, 100), None, rate(1.0, 2));
    let ask = |class, at| limiter.check(ANN, class, at).map_err(|it| it.0.class);
    for at in [0, 1] {
        let standing = ask(Class::Refusals, at).unwrap().unwrap();
        assert_eq!(standing.remaining, 2 - u32::try_from(at).unwrap());
        assert!(ask(Class::Reads, at).is_ok());
        assert_eq!(ask(Class::Writes, at), Ok(None));
        limiter.charge(ANN, at);
    }
    // Many more were under way. They make nobody wait longer than an empty bucket does.
    (0..1000).for_each(|_| limiter.charge(ANN, 2));
    for class in [Class::Reads, Class::Writes, Class::Refusals] {
        assert_eq!(ask(class, S), Err(Class::Refusals), "{class:?}");
        assert!(ask(class, S + 2).is_ok(), "{class:?}");
    }
    assert!(
        limiter
            .check(Who::Principal("bob"), Class::Reads, 2)
            .is_ok()
    );
}

#[test]
fn one_household_is_one_and_a_name_is_no_address() {
    let cases = [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("::ffff:192.0.2.2", "::ffff:192.0.2.1", false),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::", "0.0.0.0", false),
    ];
    for (one, other, same) in cases {
        let limiter = limiter(rate(1.0, 1), None, None);
        let ask = |who: &str| limiter.check(Who::Address(who.parse().unwrap()), Class::Reads, 1);
        assert!(ask(one).is_ok(), "{one}");
        assert_eq!(ask(other).is_err(), same, "{one} and {other}");
        assert!(limiter.check(Who::Principal(one), Class::Reads, 1).is_ok());
    }
}

/// A flood of addresses takes no memory, gets no more than its limits, and hurts nobody who was there
/// before or who is known by name.
#[test]
fn a_million_addresses_take_the_memory_of_none() {
    let limiter = limiter(rate(1.0, 10), None, None);
    let (bytes, _) = limiter.addresses.extent(0);
    assert!(bytes < 3 * 1024 * 1024, "{bytes}");
    let before = Who::Address("192.0.2.1".parse().unwrap());
    assert!(limiter.check(before, Class::Reads, 1).is_ok());
    let mut allowed = 0;
    for number in 0..1_000_000u128 {
        let stranger = Ipv6Addr::from_bits(0x2001_0db8 << 96 | number << 64);
        let checked = limiter.check(Who::Address(stranger.into()), Class::Reads, 1);
        allowed += usize::from(checked.is_ok());
    }
    let (after, live) = limiter.addresses.extent(1);
    assert_eq!((after, live), (bytes, ADDRESS_GROUPS * 16));
    // One each that found a place, and ten that the newcomers of each group share.
    assert!(allowed <= live + ADDRESS_GROUPS * 10, "{allowed}");
    let standing = limiter.check(before, Class::Reads, 1).unwrap().unwrap();
    assert_eq!(standing.remaining, 8);
    assert!(limiter.check(ANN, Class::Reads, 1).is_ok());
    // When all is idle again, whoever comes is served, and finds a place.
    let later = Who::Address("198.51.100.7".parse().unwrap());
    let standing = limiter.check(later, Class::Reads, 60 * S).unwrap().unwrap();
    assert_eq!(standing.remaining, 9);
    assert_eq!(limiter.addresses.extent(60 * S).1, 1);
}

#[test]
fn the_noisy_do_not_take_from_the_quiet() {
    let limiter = limiter(rate(10.0, 10), None, None);
    let quiet: Vec<_> = (0..200).map(|number| format!("quiet {number}")).collect();
    for step in 0..100u64 {
        let now = step * S;
        for _ in 0..1000 {
            let _ = limiter.check(Who::Principal("noisy"), Class::Reads, now);
        }
        for name in &quiet {
            let checked = limiter.check(Who::Principal(name), Class::Reads, now);
            assert!(checked.is_ok(), "{name} at {now}");
        }
    }
}

#[test]
fn threads_share_one_count() {
    let limiter = limiter(rate(1.0, 1000), None, None);
    let ask = || {
        (0..1000)
            .filter(|_| limiter.check(ANN, Class::Reads, 1).is_ok())
            .count()
    };
    let allowed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(allowed, 1000);
}

proptest! {
    /// Whoever else asks, and however few places there are.
    #[test]
    fn nobody_gets_more_than_burst_and_rate(
        burst in 1u32..6,
        interval_ms in 1u64..50,
        asks in vec((0u64..40, 0u64..8), 1..400),
    ) {
        let rate = Rate::new(1000.0 / interval_ms as f64, burst).unwrap();
        let mut limiter = limiter(Some(rate), None, None);
        // 40 keys, 16 places.
        limiter.principals = Table::new(1);
        let mut now = 0;
        let mut allowed = vec![Vec::new(); 40];
        for (who, pause_ms) in asks {
            now += pause_ms * 1_000_000;
            let name = who.to_string();
            if limiter.check(Who::Principal(&name), Class::Reads, now).is_ok() {
                allowed[who as usize].push(now);
            }
        }
        for times in allowed {
            for (first, from) in times.iter().enumerate() {
                for (last, to) in times.iter().enumerate().skip(first) {
                    let count = (last - first + 1) as u64;
                    let most = u64::from(burst) + (to - from) / rate.interval;
                    prop_assert!(count <= most, "{count} in {} ns, {rate:?}", to - from);
                }
            }
        }
    }

    /// One key alone gets all that it may have, and is told when to come again.
    #[test]
    fn whoever_waits_as_told_is_served(
        burst in 1u32..6,
        per_second in 0.01f64..1000.0,
        asks in 1usize..50,
    ) {
        let limiter = limiter(rate(per_second, burst), None, None);
        let mut now = 7;
        for _ in 0..asks {
            let mut expected = None;
            while let Ok(standing) = limiter.check(ANN, Class::Reads, now) {
                let remaining = standing.unwrap().remaining;
                prop_assert!(expected.is_none_or(|it: u32| it - 1 == remaining));
                expected = Some(remaining);
            }
            prop_assert!(expected.is_none_or(|it| it == 0));
            let Err(Exceeded(standing)) = limiter.check(ANN, Class::Reads, now) else {
                unreachable!("it was exceeded");
            };
            let next = u64::try_from(standing.next.as_nanos()).unwrap();
            prop_assert!(limiter.check(ANN, Class::Reads, now + next - 1).is_err());
            now += next;
            prop_assert!(limiter.check(ANN, Class::Reads, now).is_ok());
        }
    }
}
