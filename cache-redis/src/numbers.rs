//! The generations of groups.

use std::time::Duration;

use cache_core::backend::AdvanceOptions;
use cache_core::{Generation, Group};
use redis::{Pipeline, Value, cmd};

use crate::Result;
use crate::error::unexpected;
use crate::servers::{Answer, Purpose, Servers};
use crate::{reply, ttl};

/// Reads the generations of `groups`, and creates those that are missing.
///
/// Callers who create one at the same time agree on it, except while the server is full: then each
/// has a number that nobody stored, which matches no entry.
pub(crate) async fn read_or_create(
    servers: &Servers,
    groups: &[Group],
    ttl: Duration,
) -> Result<Vec<Generation>> {
    let numbers = read(servers, groups).await?;
    let missing = groups.iter().zip(&numbers).filter(|(_, number)| number.is_none());
    let missing: Vec<_> = missing.map(|(group, _)| numbered(group)).collect();
    let mut created = create(servers, &missing, ttl).await?.into_iter();
    Ok(numbers.into_iter().filter_map(|number| number.or_else(|| created.next())).collect())
}

/// Gives every one of `groups` another generation; on a server that is full, one that nobody stored.
pub(crate) async fn advance(
    servers: &Servers,
    groups: &[Group],
    options: &AdvanceOptions,
) -> Result<()> {
    let next = groups.iter().map(|group| {
        let (number, ttl) = options.next(group);
        (group, number, ttl)
    });
    let answers = servers.ask_in_order(&stores(&next.collect::<Vec<_>>())).await?;
    match answers.iter().position(|answer| matches!(answer, Value::ServerError(_))) {
        Some(first) if reply::is_full(&answers[first]) && options.hold.is_none() => {
            remove(servers, &groups[first..]).await
        }
        _ => reply::performed(&answers),
    }
}

/// Takes the numbers of `groups` away, as a server does that is full: one that is missing is another.
///
/// In their order, those too that were stored after the first was refused.
async fn remove(servers: &Servers, groups: &[Group]) -> Result<()> {
    let mut commands = Pipeline::with_capacity(groups.len());
    for group in groups {
        commands.cmd("DEL").arg(group.as_bytes());
    }
    reply::performed(&servers.ask_in_order(&commands).await?)
}

/// Reads what is stored; what is no string reads as missing.
async fn read(servers: &Servers, groups: &[Group]) -> Result<Vec<Option<Generation>>> {
    if !servers.are_one() {
        return read_each(servers, groups).await;
    }
    let mut read = cmd("MGET");
    for group in groups {
        read.arg(group.as_bytes());
    }
    match servers.ask_one(read).await?.value {
        Value::Array(answers) if answers.len() == groups.len() => {
            answers.iter().map(reply::generation).collect()
        }
        answer => Err(unexpected(&answer)),
    }
}

/// As [`read`], in a command for each.
async fn read_each(servers: &Servers, groups: &[Group]) -> Result<Vec<Option<Generation>>> {
    let mut commands = Pipeline::with_capacity(groups.len());
    for group in groups {
        commands.cmd("GET").arg(group.as_bytes());
    }
    let number = |answer: Result<Answer>| match answer?.value {
        value if reply::is_refused(&value, reply::WRONG_TYPE) => Ok(None),
        value => reply::generation(&value),
    };
    servers.ask(&commands, Purpose::Other).await.into_iter().map(number).collect()
}

/// Stores numbers where there are none; returns those that are there then.
async fn create(
    servers: &Servers,
    missing: &[(&Group, Generation)],
    ttl: Duration,
) -> Result<Vec<Generation>> {
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let mut commands = Pipeline::with_capacity(missing.len());
    for (group, fresh) in missing {
        let command = commands.cmd("SET").arg(group.as_bytes()).arg(fresh.to_stored());
        command.arg("NX").arg("GET").arg("PX").arg(ttl::milliseconds(group.keep_for(ttl)));
    }
    let answers = servers.ask(&commands, Purpose::Other).await.into_iter();
    let answers = answers.map(|answer| answer.map(|answer| answer.value));
    let answers: Vec<_> = missing.iter().zip(answers.collect::<Result<Vec<_>>>()?).collect();
    let is_alien = |answer: &Value| reply::is_refused(answer, reply::WRONG_TYPE);
    let aliens = answers.iter().filter(|(_, answer)| is_alien(answer));
    let aliens = aliens.map(|((group, fresh), _)| (*group, *fresh, group.keep_for(ttl)));
    store(servers, &aliens.collect::<Vec<_>>()).await?;
    let stored = |((_, fresh), answer): &(&(_, Generation), Value)| {
        if reply::is_full(answer) || is_alien(answer) {
            return Ok(*fresh);
        }
        Ok(reply::generation(answer)?.unwrap_or(*fresh))
    };
    answers.iter().map(stored).collect()
}

/// Stores numbers in their order, whatever is there.
async fn store(servers: &Servers, numbers: &[(&Group, Generation, Duration)]) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    reply::performed(&servers.ask_in_order(&stores(numbers)).await?)
}

fn stores(numbers: &[(&Group, Generation, Duration)]) -> Pipeline {
    let mut commands = Pipeline::with_capacity(numbers.len());
    for (group, number, ttl) in numbers {
        let command = commands.cmd("SET").arg(group.as_bytes()).arg(number.to_stored());
        command.arg("PX").arg(ttl::milliseconds(*ttl));
    }
    commands
}

fn numbered(group: &Group) -> (&Group, Generation) {
    (group, Generation::fresh())
}
