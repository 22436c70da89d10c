use super::create::create_by;
use super::held::held_by;
use super::round::{Crew, Writer};
use super::winner::one_winner_of;
use crate::lab::{Halt, Lab};
use crate::model::{Protocol, Verdict};
use crate::probe::Ruling;

/// D15: D1 to D3 over every base URL, protocol and login there is, mixed.
pub(in crate::probe) async fn places(lab: &Lab) -> Result<Ruling, Halt> {
    if let Some(ruling) = super::unruled(lab) {
        return Ok(ruling);
    }
    let protocols = lab.client().protocols(lab.place()).await?;
    let mixed = |count: u32| crew(lab, &protocols, count);
    let mut writers = one_winner_of(lab, mixed).await?;
    // A server may have one way of serving for each protocol, and be wrong in one of them.
    if protocols.len() > 1 {
        for protocol in &protocols {
            let alone = |count: u32| crew(lab, std::slice::from_ref(protocol), count);
            let of_one = one_winner_of(lab, alone).await?;
            let trials = writers.trials + of_one.trials;
            let overlapping = writers.overlapping + of_one.overlapping;
            writers = writers.or_worse(of_one).after(trials, overlapping);
        }
    }
    writers.lost_updates.clear();
    let pair = mixed(2);
    let held = held_by(lab, &pair[0], &pair[1]).await?;
    let create = create_by(lab, mixed).await?;
    let overlapping = writers.overlapping + held.overlapping + create.overlapping;
    let trials = writers.trials + held.trials + create.trials;
    let over = format!(
        "{} base URL{}, {}, {} login{}",
        lab.places().len(),
        if lab.places().len() == 1 { "" } else { "s" },
        protocols
            .iter()
            .map(|protocol| match protocol {
                Protocol::Http1 => "HTTP/1.1",
                Protocol::Http2 => "HTTP/2",
            })
            .collect::<Vec<_>>()
            .join(" and "),
        lab.subject().logins.len().max(1),
        if lab.subject().logins.len() > 1 {
            "s"
        } else {
            ""
        },
    );
    let mut ruling = writers.or_worse(held);
    // What does not apply to creations takes nothing from what was found of writes.
    if create.verdict != Verdict::Skipped {
        ruling = ruling.or_worse(create);
    }
    ruling.reason = format!("over {over}: {}", ruling.reason);
    Ok(ruling.after(trials, overlapping))
}

/// Writers who differ as much as they can.
fn crew(lab: &Lab, protocols: &[Protocol], count: u32) -> Crew {
    let places = lab.places();
    lab.writers(count)
        .into_iter()
        .enumerate()
        .map(|(index, actor)| -> Writer {
            // Neighbours differ in place and protocol; all combinations occur.
            let protocol = protocols[(index + index / places.len()) % protocols.len()];
            (
                actor.with_protocol(protocol),
                places[index % places.len()].clone(),
            )
        })
        .collect()
}
