//! What is different between two configurations, in words: for whoever reloads one and wants to see that it is what was meant.

use toml::{Table, Value};

/// More are not told.
const MOST: usize = 100;

/// What of an entry of a list tells which one it is: an endpoint's name, or its address if it has none, a listener's address, a route's
/// host and path.
const NAMES: [&str; 5] = ["name", "address", "bind", "host", "path"];

/// What is said by these is for nobody's eyes.
const SECRETS: [&str; 2] = ["token", "secret"];

/// What the second text says otherwise than the first one, one thing each, by the names of the keys. Both are good TOML.
pub(crate) fn differences(before: &str, after: &str) -> Vec<String> {
    let parse = |text: &str| text.parse::<Table>().unwrap_or_default();
    let mut found = Vec::new();
    tables("", &parse(before), &parse(after), &mut found);
    let more = found.len().saturating_sub(MOST);
    if more > 0 {
        found.truncate(MOST);
        found.push(format!("{more} differences more"));
    }
    found
}

fn tables(place: &str, before: &Table, after: &Table, found: &mut Vec<String>) {
    let of = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    for (key, old) in before {
        match after.get(key) {
            Some(new) => values(&of(key), key, old, new, found),
            None => found.push(gone(&of(key), key, old)),
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        found.push(added(&of(key), key, new));
    }
}

fn values(place: &str, key: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Table(old), Value::Table(new)) => tables(place, old, new, found),
        (Value::Array(old), Value::Array(new)) if is_of_entries(old) && is_of_entries(new) => {
            entries(place, old, new, found);
        }
        _ if old == new => {}
        _ if SECRETS.contains(&key) => found.push(format!("{place}: another one")),
        _ => found.push(format!("{place}: {} → {}", short(old), short(new))),
    }
}

/// Lists whose entries have names: an entry is told from the others by its name, not by its place.
fn entries(place: &str, old: &[Value], new: &[Value], found: &mut Vec<String>) {
    let names = |list: &[Value]| list.iter().map(name_of).collect::<Vec<_>>();
    let (old_names, new_names) = (names(old), names(new));
    for (name, before) in old_names.iter().zip(old) {
        match new_names.iter().position(|other| other == name) {
            Some(index) => values(&format!("{place} {name}"), "", before, &new[index], found),
            None => found.push(format!("{place} {name}: gone")),
        }
    }
    let is_new = |name: &String| !old_names.contains(name);
    for (name, _) in new_names.iter().zip(new).filter(|(name, _)| is_new(name)) {
        found.push(format!("{place} {name}: new"));
    }
    let kept = |names: &[String], others: &[String]| {
        names.iter().filter(|name| others.contains(name)).cloned().collect::<Vec<_>>()
    };
    if kept(&old_names, &new_names) != kept(&new_names, &old_names) {
        found.push(format!("{place}: in another order"));
    }
}

fn is_of_entries(list: &[Value]) -> bool {
    list.iter().all(|entry| entry.as_table().is_some_and(|entry| NAMES.iter().any(|name| entry.contains_key(*name))))
}

fn name_of(entry: &Value) -> String {
    let part = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    match part("name") {
        "" => NAMES.map(part).concat(),
        name => name.to_owned(),
    }
}

fn added(place: &str, key: &str, value: &Value) -> String {
    match value {
        _ if SECRETS.contains(&key) => format!("{place}: new"),
        Value::Table(_) => format!("{place}: new"),
        Value::Array(list) if is_of_entries(list) && !list.is_empty() => {
            format!("{place}: {} of them, new", list.len())
        }
        _ => format!("{place}: {}, which was not said before", short(value)),
    }
}

fn gone(place: &str, key: &str, value: &Value) -> String {
    match value {
        Value::Table(_) | Value::Array(_) => format!("{place}: gone"),
        _ if SECRETS.contains(&key) => format!("{place}: gone"),
        _ => format!("{place}: not said any more, it was {}", short(value)),
    }
}

/// A value on one line, cut off where it is too long to be read.
fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\
        workers = 2\n\
        [[listeners]]\nbind = \"0.0.0.0:8080\"\n\
        [[routes]]\npath = \"/api\"\ncluster = \"web\"\n\
        [[routes]]\npath = \"/\"\nfiles = \"static\"\n\
        [clusters.web]\n\
        endpoints = [{ name = \"web1\", address = \"a:1\" }, { name = \"web2\", address = \"a:2\", weight = 2 }]\n\
        retry = { attempts = 4, timeout = \"5s\" }\n\
        sticky = { secret = \"one\" }\n";

    fn after(changes: &[(&str, &str)]) -> Vec<String> {
        let text = changes.iter().fold(BEFORE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        differences(BEFORE, &text)
    }

    #[test]
    fn what_is_written_otherwise_and_means_the_same_is_no_difference() {
        assert!(
            after(&[("{ attempts = 4, timeout = \"5s\" }", "{ timeout = \"5s\", attempts = 4 } # as ever")]).is_empty()
        );
    }

    #[test]
    fn values_are_told_with_their_places_and_entries_with_their_names() {
        assert_eq!(after(&[("attempts = 4", "attempts = 2")]), ["clusters.web.retry.attempts: 4 → 2"]);
        assert_eq!(after(&[("weight = 2", "weight = 3")]), ["clusters.web.endpoints web2.weight: 2 → 3"]);
        assert_eq!(after(&[("a:1", "a:9")]), ["clusters.web.endpoints web1.address: \"a:1\" → \"a:9\""]);
        assert_eq!(after(&[("workers = 2\n", "")]), ["workers: not said any more, it was 2"]);
        assert_eq!(
            after(&[("attempts = 4", "attempts = 4, backoff = \"1s\"")]),
            ["clusters.web.retry.backoff: \"1s\", which was not said before"]
        );
    }

    #[test]
    fn entries_come_and_go_and_change_places() {
        assert_eq!(
            after(&[("name = \"web1\"", "name = \"web3\"")]),
            ["clusters.web.endpoints web1: gone", "clusters.web.endpoints web3: new"]
        );
        assert_eq!(after(&[("path = \"/api\"", "path = \"/v2\"")]), ["routes /api: gone", "routes /v2: new"]);
        let swapped = after(&[
            ("path = \"/api\"", "path = \"/x\""),
            ("path = \"/\"", "path = \"/api\""),
            ("path = \"/x\"", "path = \"/\""),
        ]);
        assert!(swapped.contains(&"routes: in another order".to_owned()), "{swapped:?}");
        assert_eq!(
            after(&[("[clusters.web]", "[clusters.old]\nendpoints = []\n[clusters.web]")]),
            ["clusters.old: new"]
        );
    }

    #[test]
    fn endpoints_without_names_are_told_by_their_addresses() {
        let text = |addresses: &[&str]| {
            let each: Vec<_> = addresses.iter().map(|address| format!("{{ address = \"{address}\" }}")).collect();
            format!("endpoints = [{}]\n", each.join(", "))
        };
        assert_eq!(
            differences(&text(&["a:1", "a:2"]), &text(&["a:1", "a:3"])),
            ["endpoints a:2: gone", "endpoints a:3: new"]
        );
    }

    #[test]
    fn secrets_are_shown_to_nobody() {
        assert_eq!(after(&[("\"one\"", "\"two\"")]), ["clusters.web.sticky.secret: another one"]);
    }

    #[test]
    fn of_many_differences_the_first_ones_are_told() {
        let text = |weight: usize| (0..300).map(|n| format!("e{n} = {weight}\n")).collect::<Vec<_>>().concat();
        let told = differences(&text(1), &text(2));
        assert_eq!((told.len(), told[100].as_str()), (101, "200 differences more"));
    }
}
