//! A picture as text.

use std::fmt::Write;

/// Where the words of a label are from its point.
#[derive(Clone, Copy, Debug)]
pub enum Align {
    /// They begin there.
    Left,
    /// It is in their middle.
    Middle,
    /// They end there.
    Right,
}

/// A drawing of a given size; what is drawn later covers what was drawn before.
#[derive(Debug)]
pub struct Svg {
    text: String,
}

impl Svg {
    /// Starts a white picture.
    pub fn new(width: f64, height: f64) -> Self {
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n"
        );
        let mut svg = Self { text };
        svg.area([0.0, 0.0, width, height], "#ffffff");
        svg
    }

    /// Fills a rectangle: left, top, width, height.
    pub fn area(&mut self, [x, y, width, height]: [f64; 4], fill: &str) {
        self.add(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{fill}\"/>"
        ));
    }

    /// Draws a straight line; `style` is the rest of its attributes.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        self.path(&[from, to], style);
    }

    /// Draws a line through points.
    pub fn path(&mut self, points: &[(f64, f64)], style: &str) {
        let words = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>();
        self.add(&format!("<path d=\"M{}\" fill=\"none\" {style}/>", words.join("L")));
    }

    /// Fills the outline through points.
    pub fn shape(&mut self, points: &[(f64, f64)], fill: &str) {
        let words = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect::<Vec<_>>();
        self.add(&format!("<path d=\"M{}Z\" fill=\"{fill}\"/>", words.join("L")));
    }

    /// Writes words; `style` is the rest of their attributes.
    pub fn label(&mut self, at: (f64, f64), align: Align, words: &str, style: &str) {
        let anchor = match align {
            Align::Left => "start",
            Align::Middle => "middle",
            Align::Right => "end",
        };
        let words = words.replace('&', "&amp;").replace('<', "&lt;");
        self.add(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" {style}>{words}</text>",
            at.0, at.1
        ));
    }

    /// Returns the file's text.
    pub fn finish(mut self) -> String {
        self.add("</svg>");
        self.text
    }

    fn add(&mut self, element: &str) {
        writeln!(self.text, "{element}").expect("writing to a string does not fail");
    }
}
