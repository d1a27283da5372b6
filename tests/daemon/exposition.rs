//! A strict parser of Prometheus's text format, version 0.0.4: what its own checker would refuse, this one refuses.

use std::collections::{BTreeMap, BTreeSet};

/// Everything that a page says: each family's kind, each sample's value by name and labels.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) kinds: BTreeMap<String, String>,
    pub(crate) samples: BTreeMap<String, f64>,
}

impl Page {
    pub(crate) fn value(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("no {sample} in {self:#?}"))
    }
}

/// Reads a page.
pub(crate) fn parse(text: &str) -> Result<Page, String> {
    let mut page = Page::default();
    let mut helped = BTreeSet::new();
    let mut family = String::new();
    let mut finished = BTreeSet::new();
    if !text.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or(format!("no help: {line}"))?;
            if !helped.insert(name.to_owned()) || help.is_empty() {
                return Err(format!("helped twice, or with nothing: {line}"));
            }
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or(format!("no kind: {line}"))?;
            if !["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind) || !is_name(name) {
                return Err(format!("no kind of figure: {line}"));
            }
            if kind == "counter" && !name.ends_with("_total") {
                return Err(format!("a counter ends with _total: {line}"));
            }
            if page.kinds.insert(name.to_owned(), kind.to_owned()).is_some() || !helped.contains(name) {
                return Err(format!("typed twice, or without help: {line}"));
            }
            if !family.is_empty() {
                finished.insert(std::mem::replace(&mut family, name.to_owned()));
            }
            name.clone_into(&mut family);
        } else {
            let (name, key, value) = sample(line)?;
            if !belongs(&name, &family, &page.kinds) || finished.contains(&family) {
                return Err(format!("a sample away from its family {family}: {line}"));
            }
            if page.samples.insert(key, value).is_some() {
                return Err(format!("said twice: {line}"));
            }
        }
    }
    histograms(&page)?;
    Ok(page)
}

fn is_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit())
}

fn belongs(name: &str, family: &str, kinds: &BTreeMap<String, String>) -> bool {
    let rest = name.strip_prefix(family);
    match kinds.get(family).map(String::as_str) {
        Some("histogram") => matches!(rest, Some("_bucket" | "_sum" | "_count")),
        _ => rest == Some(""),
    }
}

/// Name, name with labels, value.
fn sample(line: &str) -> Result<(String, String, f64), String> {
    let (key, value) = line.rsplit_once(' ').ok_or(format!("no value: {line}"))?;
    let value = value.parse().map_err(|_| format!("no number: {line}"))?;
    let (name, labels) = match key.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').ok_or(format!("no end of labels: {line}"))?),
        None => (key, ""),
    };
    if !is_name(name) {
        return Err(format!("no name: {line}"));
    }
    let mut seen = BTreeSet::new();
    for label in labels.split(',').filter(|label| !label.is_empty()) {
        let (label, value) = label.split_once('=').ok_or(format!("no label: {line}"))?;
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let is_plain = quoted.is_some_and(|value| !value.contains(['"', '\\', '\n']));
        if !is_name(label) || label.contains(':') || !is_plain || !seen.insert(label) {
            return Err(format!("a wrong label {label}: {line}"));
        }
    }
    Ok((name.to_owned(), key.to_owned(), value))
}

/// Buckets rise, the last is all of them, and there is a sum.
fn histograms(page: &Page) -> Result<(), String> {
    for name in page.kinds.iter().filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name) {
        let start = format!("{name}_bucket{{le=\"");
        let end = |key: &str| key.strip_prefix(&start)?.strip_suffix("\"}").map(str::to_owned);
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        for (key, value) in &page.samples {
            if let Some(end) = end(key) {
                let end = if end == "+Inf" { f64::INFINITY } else { end.parse().map_err(|_| key.clone())? };
                buckets.push((end, *value));
            }
        }
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let rises = buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1);
        let count = page.samples.get(&format!("{name}_count")).ok_or(format!("{name} has no count"))?;
        let all = buckets.last().is_some_and(|last| last.0.is_infinite() && (last.1 - count).abs() < 0.5);
        if !rises || !all || !page.samples.contains_key(&format!("{name}_sum")) {
            return Err(format!("the histogram {name} is none: {buckets:?}"));
        }
    }
    Ok(())
}

#[test]
fn the_parser_refuses_what_is_wrong() {
    let head = "# HELP a_total A.\n# TYPE a_total counter\n";
    assert!(parse(&format!("{head}a_total 1\na_total{{b=\"c\"}} 2\n")).is_ok());
    for wrong in [
        "a_total 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# TYPE a gauge\na 1\n",
        &format!("{head}a_total 1"),
        &format!("{head}a_total x\n"),
        &format!("{head}a_total 1\na_total 1\n"),
        &format!("{head}a_total{{b=c}} 1\n"),
        &format!("{head}a_total{{b=\"c\",b=\"d\"}} 1\n"),
        &format!("{head}other 1\n"),
        &format!("{head}{head}"),
        "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}
