//! The picture: latency and origin of the answers over time.

use std::time::Duration;

use cache_aside::Settings;
use cache_aside_examples::figures::{grouped, shown};
use cache_aside_examples::svg::{Align, Svg};

use crate::buckets::{self, Bucket, STEP};
use crate::database::QUERY;
use crate::record::{Record, Span};
use crate::traffic::{EDITS, Verdict};

const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 660.0;
const LEFT: f64 = 74.0;
const RIGHT: f64 = WIDTH - 20.0;

/// Latencies, from one microsecond to one second, each power of ten as high as the others.
const LATENCY: Panel = Panel { top: 132.0, bottom: 412.0 };
const DECADES: f64 = 6.0;

/// Shares of answers.
const ORIGIN: Panel = Panel { top: 464.0, bottom: 604.0 };

const INK: &str = "#24292f";
const FAINT: &str = "#6e7781";
/// The lines: half of the reads, 99 of 100, all.
const TIMES: [(&str, &str); 3] = [("p50", "#57606a"), ("p99", "#0969da"), ("slowest", "#cf222e")];
const ORIGINS: [(&str, &str); 3] =
    [("memory", "#a3cfbb"), ("server", "#6cb6ff"), ("database", "#f0b450")];

/// A part of the picture with a scale of its own.
#[derive(Clone, Copy, Debug)]
struct Panel {
    top: f64,
    bottom: f64,
}

impl Panel {
    /// Returns the place of a share of the height.
    fn y(self, share: f64) -> f64 {
        self.bottom - share.clamp(0.0, 1.0) * (self.bottom - self.top)
    }
}

/// Draws the run.
pub(crate) fn draw(record: &Record) -> String {
    let buckets = buckets::of(record);
    let seconds = buckets.len() as f64 * STEP.as_secs_f64();
    let mut chart = Chart { svg: Svg::new(WIDTH, HEIGHT), record, seconds };
    chart.title();
    chart.phases();
    chart.origins(&buckets);
    chart.latencies(&buckets);
    chart.time();
    chart.svg.finish()
}

struct Chart<'a> {
    svg: Svg,
    record: &'a Record,
    seconds: f64,
}

impl Chart<'_> {
    fn title(&mut self) {
        let words = "What callers notice when Redis goes away";
        self.svg.label((LEFT, 38.0), Align::Left, words, &font(22, INK, "600"));
        self.svg.label((LEFT, 62.0), Align::Left, &self.summary(), &font(14, FAINT, "400"));
        let words = format!("reads, per {} ms:", STEP.as_millis());
        legend(&mut self.svg, 38.0, &words, &TIMES);
    }

    /// Says how the calls went as a whole.
    fn summary(&self) -> String {
        let (calls, seconds) = (grouped(self.record.calls.len()), self.seconds);
        let always = Duration::ZERO..Duration::MAX;
        let [errors, old] = [Verdict::Error, Verdict::Old]
            .map(|verdict| grouped(self.record.count(&always, verdict)));
        format!(
            "{calls} calls in {seconds:.0} s, {EDITS}% of them edits: {errors} errors, \
             {old} answers older than an acknowledged edit"
        )
    }

    fn phases(&mut self) {
        for span in &self.record.spans {
            let (from, to) = (self.x(span.from), self.x(span.to));
            let fill = if span.phase.is_outage() { "#ffe9e6" } else { "#f6f8fa" };
            for panel in [LATENCY, ORIGIN] {
                self.svg.area([from, panel.top, to - from, panel.bottom - panel.top], fill);
            }
            let middle = f64::midpoint(from, to);
            let name = span.phase.name();
            self.svg.label(
                (middle, LATENCY.top - 26.0),
                Align::Middle,
                name,
                &font(16, INK, "600"),
            );
            let note = self.note(*span);
            self.svg.label(
                (middle, LATENCY.top - 8.0),
                Align::Middle,
                &note,
                &font(13, FAINT, "400"),
            );
        }
    }

    /// Says what the cache did in a phase.
    fn note(&self, span: Span) -> String {
        let (given_up, used_again) = (self.record.given_up(span), self.record.used_again(span));
        match (given_up, used_again) {
            (Some(after), _) if span.phase.is_outage() => {
                format!("given up after {}", shown(after))
            }
            (_, Some(after)) if span.phase.is_return() => format!("in use after {}", shown(after)),
            _ => String::new(),
        }
    }

    fn latencies(&mut self, buckets: &[Bucket]) {
        for (decade, name) in
            ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"].iter().enumerate()
        {
            let y = LATENCY.y(decade as f64 / DECADES);
            self.rule(y, name);
        }
        let limit = Settings::default().remote_timeout + QUERY;
        let y = height(limit);
        self.svg.line((LEFT, y), (RIGHT, y), &stroke("#cf222e", 1.0, "4 4"));
        let words = format!("remote_timeout + a query = {}", shown(limit));
        self.svg.label((RIGHT - 6.0, y - 6.0), Align::Right, &words, &font(13, "#cf222e", "400"));
        for (index, (_, color)) in TIMES.iter().enumerate().rev() {
            let middle = |it: &Bucket| self.x_at(it.at + STEP.as_secs_f64() / 2.0);
            let points = buckets.iter().map(|it| (middle(it), height(it.times[index])));
            self.svg.path(&points.collect::<Vec<_>>(), &stroke(color, 1.6, "none"));
        }
    }

    fn origins(&mut self, buckets: &[Bucket]) {
        for (index, (_, color)) in ORIGINS.iter().enumerate() {
            let low = self.stairs(buckets, |it| it.shares[..index].iter().sum());
            let mut outline = self.stairs(buckets, |it| it.shares[..=index].iter().sum());
            outline.extend(low.into_iter().rev());
            self.svg.shape(&outline, color);
        }
        for (share, name) in [(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")] {
            self.rule(ORIGIN.y(share), name);
        }
        legend(&mut self.svg, ORIGIN.top - 16.0, "answers from", &ORIGINS);
    }

    fn rule(&mut self, y: f64, name: &str) {
        self.svg.line((LEFT, y), (RIGHT, y), &stroke("#8c959f", 0.4, "none"));
        self.svg.label((LEFT - 8.0, y + 5.0), Align::Right, name, &font(14, FAINT, "400"));
    }

    /// Returns a line that is level in each step.
    fn stairs(&self, buckets: &[Bucket], share: impl Fn(&Bucket) -> f64) -> Vec<(f64, f64)> {
        let step = |it: &Bucket| {
            let y = ORIGIN.y(share(it));
            [(self.x_at(it.at), y), (self.x_at(it.at + STEP.as_secs_f64()), y)]
        };
        buckets.iter().flat_map(step).collect()
    }

    fn time(&mut self) {
        for second in (0..=self.seconds as u32).step_by(5) {
            let x = self.x_at(f64::from(second));
            self.svg.line(
                (x, ORIGIN.bottom),
                (x, ORIGIN.bottom + 6.0),
                &stroke(FAINT, 1.0, "none"),
            );
            let words = format!("{second} s");
            self.svg.label(
                (x, ORIGIN.bottom + 22.0),
                Align::Middle,
                &words,
                &font(14, FAINT, "400"),
            );
        }
    }

    fn x(&self, time: Duration) -> f64 {
        self.x_at((time - self.record.bounds().0).as_secs_f64())
    }

    fn x_at(&self, seconds: f64) -> f64 {
        LEFT + (seconds / self.seconds).min(1.0) * (RIGHT - LEFT)
    }
}

fn height(time: Duration) -> f64 {
    let micros = time.as_secs_f64() * 1e6;
    LATENCY.y(micros.max(1.0).log10() / DECADES)
}

/// Writes the names of three colours, so that they end at the right.
fn legend(svg: &mut Svg, y: f64, title: &str, names: &[(&str, &str); 3]) {
    let mut x = RIGHT - 290.0;
    svg.label((x - 12.0, y), Align::Right, title, &font(14, FAINT, "400"));
    for (name, color) in names {
        svg.area([x, y - 11.0, 14.0, 12.0], color);
        svg.label((x + 20.0, y), Align::Left, name, &font(14, INK, "400"));
        x += 102.0;
    }
}

fn font(size: u32, color: &str, weight: &str) -> String {
    format!("font-size=\"{size}\" fill=\"{color}\" font-weight=\"{weight}\"")
}

fn stroke(color: &str, width: f64, dashes: &str) -> String {
    format!("stroke=\"{color}\" stroke-width=\"{width}\" stroke-dasharray=\"{dashes}\"")
}
