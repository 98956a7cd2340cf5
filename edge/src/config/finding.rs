//! What is wrong with a configuration file, and where: one [`Finding`] a problem, all of them at once.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and does not do what it seems to say.
    Warning,
}

/// One problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub title: String,
    /// The bytes of the text that are wrong.
    pub at: Range<usize>,
    /// What was expected there.
    pub expected: String,
    /// Another place that it has to do with, and what is there.
    pub related: Option<(Range<usize>, String)>,
    /// What to do about it.
    pub help: Vec<String>,
    /// The place is not in the file but on the command line: the option's name and its value.
    pub option: Option<(String, String)>,
}

impl Finding {
    pub(super) fn error(title: impl Into<String>, at: Range<usize>) -> Self {
        Self {
            severity: Severity::Error,
            title: title.into(),
            at,
            expected: String::new(),
            related: None,
            help: Vec::new(),
            option: None,
        }
    }

    pub(super) fn warning(title: impl Into<String>, at: Range<usize>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(title, at)
        }
    }

    pub(super) fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = expected.into();
        self
    }

    pub(super) fn related(mut self, at: Range<usize>, what: impl Into<String>) -> Self {
        self.related = Some((at, what.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// The findings in one file. `Display` is the full account in plain text, without colour.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    name: String,
    text: String,
    list: Vec<Finding>,
}

impl std::error::Error for Findings {}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl Findings {
    /// Gathers findings about a text, in the order of their places.
    pub(super) fn new(name: &str, text: &str, mut list: Vec<Finding>) -> Self {
        list.sort_by_key(|finding| (finding.option.is_some(), finding.at.start, finding.at.end));
        Self {
            name: name.into(),
            text: text.into(),
            list,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The findings, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// Line and column of a finding, from 1. Columns count characters.
    pub fn place(&self, finding: &Finding) -> (usize, usize) {
        let text = finding
            .option
            .as_ref()
            .map_or(self.text.as_str(), |(_, value)| value);
        let before = text.get(..finding.at.start).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before
            .chars()
            .rev()
            .take_while(|char| *char != '\n')
            .count()
            + 1;
        (line, column)
    }

    /// One line a finding, for logs: `vitrine.toml:3:7: error: …`.
    pub fn lines(&self) -> Vec<String> {
        self.list
            .iter()
            .map(|finding| {
                let (line, column) = self.place(finding);
                let severity = match finding.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                let name = finding.option.as_ref().map_or(&self.name, |(name, _)| name);
                format!("{name}:{line}:{column}: {severity}: {}", finding.title)
            })
            .collect()
    }

    /// The full account: for each finding its place, the line, the spot, what was expected and what to do.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut out = String::new();
        for finding in &self.list {
            out.push_str(&renderer.render(&[self.group(finding)]));
            out.push_str("\n\n");
        }
        out.push_str(&self.summary());
        out
    }

    fn group<'a>(&'a self, finding: &'a Finding) -> Group<'a> {
        let (name, text) = finding
            .option
            .as_ref()
            .map_or((&self.name, &self.text), |(name, value)| (name, value));
        let level = match finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut snippet = Snippet::source(text.as_str())
            .path(name.as_str())
            .annotation(
                AnnotationKind::Primary
                    .span(finding.at.clone())
                    .label(finding.expected.as_str()),
            );
        if let Some((at, what)) = &finding.related {
            let annotation = AnnotationKind::Context.span(at.clone());
            snippet = snippet.annotation(annotation.label(what.as_str()));
        }
        level
            .primary_title(finding.title.as_str())
            .element(snippet)
            .elements(
                finding
                    .help
                    .iter()
                    .map(|help| Level::HELP.message(help.as_str())),
            )
    }

    fn summary(&self) -> String {
        let count = |severity| {
            self.list
                .iter()
                .filter(|finding| finding.severity == severity)
                .count()
        };
        let several = |count: usize, what: &str| match count {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{count} {what}s")),
        };
        let parts: Vec<String> = [
            several(count(Severity::Error), "error"),
            several(count(Severity::Warning), "warning"),
        ]
        .into_iter()
        .flatten()
        .collect();
        format!("{}: {}\n", self.name, parts.join(", "))
    }
}
