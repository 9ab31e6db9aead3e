//! Serves one day.

use std::sync::Arc;

use anyhow::{Context, Result};
use cache_aside_examples::server::{Act, Server};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::day::{EVENTS, Event, Request};
use crate::figures::Figures;
use crate::service::Service;
use crate::step::Step;

/// Lets the day pass at one step, and returns what callers saw.
pub(crate) async fn day(step: Step, requests: &[Request], server: &Server) -> Result<Figures> {
    let service = Arc::new(Service::start(step, &server.url()).await?);
    let midnight = service.db.midnight();
    let mut calls = JoinSet::new();
    let ask = async {
        for request in requests {
            sleep_until(midnight + request.at).await;
            let (service, request, began) = (Arc::clone(&service), *request, Instant::now());
            calls.spawn(async move { service.answer(request, began).await });
        }
        calls.join_all().await
    };
    let (calls, events) = tokio::join!(ask, events(step, &service, server));
    events?;
    let reads = service.db.reads();
    Arc::into_inner(service).context("a call is still under way")?.close().await;
    Ok(Figures::new(step, &calls, reads))
}

/// Has everything happen when it is to.
async fn events(step: Step, service: &Service, server: &Server) -> Result<()> {
    for (at, event) in EVENTS {
        sleep_until(service.db.midnight() + at).await;
        match event {
            Event::Redeploy(number) => service.redeploy(number).await?,
            Event::RedisEnds if step == Step::Outage => server.suffer(Act::Kill).await?,
            Event::RedisReturns if step == Step::Outage => server.suffer(Act::RestartEmpty).await?,
            Event::RedisEnds | Event::RedisReturns => {}
        }
    }
    Ok(())
}
