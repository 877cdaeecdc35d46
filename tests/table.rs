//! capi-tests/TABLE.md names, for everything that zmq.h declares, the tests that prove it. This
//! test holds the table to its word: every name has a row, no row is empty, and each test that a
//! row names exists and uses the name. A row that begins with a dash says why there is no test.
//!
//! `ZMQ_WRITE_TABLE=1 cargo test --test table` writes the table anew: rows keep the tests that
//! still hold, and names without any are given the tests whose titles and bodies fit best. Look
//! at what it chose: a test that only happens to call a function proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = "capi-tests/TABLE.md";
/// Compares every constant and signature with libzmq's header: the proof of names that
/// stand for a value and nothing else.
const HEADER_TEST: &str = "tests/header.rs: the_header_declares_what_the_reference_declares";
/// Knows the value of every constant, and is no proof of what it does.
const VALUE_TEST: &str = "legacy: every_constant_of_zmq_h_has_its_value";
/// Compares what libzmq answers for every option, type and size.
const GRID: &str = "option_grid";
/// Names that stand for a value and nothing else: defaults, limits of drafts, numbers for systems
/// that lack them, an error of a transport that the stable interface has not.
const VALUES: &[&str] = &[
    "ENOBUFS",
    "ENETDOWN",
    "ECONNREFUSED",
    "EINPROGRESS",
    "EMSGSIZE",
    "EAFNOSUPPORT",
    "ENETUNREACH",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOTCONN",
    "ETIMEDOUT",
    "ENETRESET",
    "ZMQ_THREAD_PRIORITY_DFLT",
    "ZMQ_GROUP_MAX_LENGTH",
    "ZMQ_POLLITEMS_DFLT",
    "ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED",
];
/// Names that libzmq reports in no case that anybody found: their rows say what was tried,
/// behind a dash. A name gets here by trying, never for want of a test.
const UNTOLD: &[&str] = &["ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED"];
/// Headers that are a part of the few tests that include them: what their functions use counts.
const FIXTURES: [&str; 5] =
    ["handles.h", "mechanisms.h", "publication.h", "scheduling.h", "thread_safe.h"];
/// Tests that a row is given when it is written.
const SUGGESTIONS: usize = 3;

/// Macros of the header that are no part of the interface.
const NOT_NAMES: [&str; 9] = [
    "ZMQ_EXPORT",
    "ZMQ_DEFINED_STDINT",
    "ZMQ_HAVE_TIMERS",
    "ZMQ_HAVE_POLLER",
    "ZMQ_MAKE_VERSION",
    "ZMQ_VERSION",
    "ZMQ_HAUSNUMERO",
    "ZMQ_CDECL",
    "__ZMQ_H_INCLUDED__",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The names that the header declares, functions first.
fn names() -> Vec<String> {
    let header = fs::read_to_string(root().join("include/zmq.h")).unwrap();
    let header = code_of(&header);
    let mut functions = BTreeSet::new();
    let mut constants = Vec::new();
    for line in header.lines() {
        let mut parts = words(line.trim_start().trim_start_matches('#'));
        if line.trim_start().starts_with("#define") {
            let name = parts.nth(1).unwrap_or_default();
            let constant = name.starts_with("ZMQ_") || name.starts_with('E');
            if constant && !NOT_NAMES.contains(&name) {
                constants.push(name.to_owned());
            }
        } else if line.contains("ZMQ_EXPORT") {
            functions.extend(parts.find(|word| word.starts_with("zmq_")).map(str::to_owned));
        }
    }
    functions.into_iter().chain(constants).collect()
}

/// C without its comments, and without what stands in quotes.
fn code_of(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let skipped = if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if matches!(first, '"' | '\'') {
            quoted_length(rest, first)
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        out.push(' ');
        rest = &rest[skipped..];
    }
    out
}

/// The length of the literal that the text begins with, its quotes included.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, own) in text.char_indices().skip(1) {
        if own == quote && !escaped {
            return at + 1;
        }
        escaped = own == '\\' && !escaped;
    }
    text.len()
}

/// A definition at the top level of a C file.
struct Definition {
    /// The title of a test, or the name of a function, table or macro.
    name: String,
    is_test: bool,
    is_table: bool,
    words: BTreeSet<String>,
}

/// Cuts a C file into its definitions.
fn definitions(text: &str) -> Vec<Definition> {
    let text = code_of(text).replace("\\\n", " ");
    let (mut found, mut chunk, mut depth) = (Vec::new(), String::new(), 0);
    for line in text.lines() {
        if depth == 0 && chunk.trim().is_empty() && line.starts_with('#') {
            let name = words(line).nth(1).unwrap_or_default().to_owned();
            let words = words(line).skip(2).map(str::to_owned).collect();
            found.push(Definition { name, is_test: false, is_table: false, words });
            continue;
        }
        chunk.push_str(line);
        chunk.push('\n');
        depth += line.matches('{').count() as i32 - line.matches('}').count() as i32;
        let ends = line.trim_end().ends_with(['}', ';']) || line.trim().is_empty();
        if depth == 0 && ends && !chunk.trim().is_empty() {
            found.extend(definition(&chunk));
            chunk.clear();
        }
    }
    found
}

fn definition(chunk: &str) -> Option<Definition> {
    let head = chunk.split('{').next()?;
    // A table, perhaps with the type of its rows before it.
    let table = if head.contains('(') { None } else { chunk.split_once("= {") };
    let (before, inside) = match table {
        Some((before, _)) => (before.trim_end(), ""),
        None => head.split_once('(').unwrap_or((head, "")),
    };
    let last = words(before.rsplit_once('[').map_or(before, |(name, _)| name)).last()?;
    let is_test = last.ends_with("TEST") && chunk.contains('{');
    let name = if is_test { words(inside).next()? } else { last };
    let words = words(chunk).map(str::to_owned).collect();
    Some(Definition { name: name.to_owned(), is_test, is_table: table.is_some(), words })
}

/// Every word of a test and of what it uses of its own file and of fixtures, by the test's full
/// title. Of other shared headers only tables count: what every test calls proves nothing.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let directory = root().join("capi-tests");
    let shared = files(&directory, "h").into_iter().filter(|path| !path.ends_with("harness.h"));
    let read = |path: &Path| definitions(&fs::read_to_string(path).unwrap());
    let is_fixture = |path: &Path| FIXTURES.iter().any(|name| path.ends_with(name));
    let shared: Vec<_> =
        shared.map(|path| (path.clone(), read(&path), is_fixture(&path))).collect();
    let mut all = BTreeMap::new();
    let rooms = ["", "ours", "kerberos"].map(|room| files(&directory.join(room), "c"));
    for path in rooms.into_iter().flatten() {
        let text = fs::read_to_string(&path).unwrap();
        let included = |header: &Path| {
            let name = header.file_name().unwrap().display();
            text.contains(&format!("include \"{name}\""))
                || text.contains(&format!("include \"../{name}\""))
        };
        let headers: Vec<_> = shared
            .iter()
            .filter(|(path, ..)| included(path))
            .flat_map(|(_, all, fixture)| all.iter().map(|own| (own.is_table || *fixture, own)))
            .collect();
        let own = definitions(&text);
        let file = path.strip_prefix(&directory).unwrap().with_extension("");
        for test in own.iter().filter(|own| own.is_test) {
            let title = format!("{}: {}", file.display(), test.name);
            all.insert(title, proof_of(test, &own, &headers));
        }
    }
    all
}

/// The words of a test, and of the definitions that it uses, directly or through others; those of
/// headers are given with whether they count.
fn proof_of(
    test: &Definition,
    own: &[Definition],
    headers: &[(bool, &Definition)],
) -> BTreeSet<String> {
    let mut proof = test.words.clone();
    let mut seen = proof.clone();
    let mut open: Vec<_> = seen.iter().cloned().collect();
    while let Some(word) = open.pop() {
        let named = |used: &&Definition| !used.is_test && used.name == word;
        let local = own.iter().filter(named).map(|used| (true, used));
        let others = headers.iter().copied().filter(|(_, used)| named(used));
        for (counts, used) in local.chain(others) {
            open.extend(used.words.difference(&seen).cloned());
            seen.extend(used.words.iter().cloned());
            if counts {
                proof.extend(used.words.iter().cloned());
            }
        }
    }
    proof
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|own| own == extension))
        .collect();
    found.sort();
    found
}

/// Whether the header calls this name an option: the grid goes through all of them.
fn is_option(name: &str) -> bool {
    let header = fs::read_to_string(root().join("include/zmq.h")).unwrap();
    let definition = format!("#define {name} ");
    let before = header.split(&definition).next().unwrap_or_default();
    let comment = before.rsplit("/*").next().unwrap_or_default();
    before.len() < header.len() && comment.contains("option:")
}

/// Why a test of a row does not hold, if so.
fn wrong(name: &str, test: &str, tests: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    match test {
        GRID if is_option(name) => None,
        HEADER_TEST if VALUES.contains(&name) => None,
        reason if reason.starts_with("- ") && UNTOLD.contains(&name) => None,
        VALUE_TEST => Some(format!("{name}: `{test}` proves no more than its value")),
        _ => match tests.get(test) {
            None => Some(format!("{name}: there is no test `{test}`")),
            Some(words) if !words.contains(name) => {
                Some(format!("{name}: `{test}` does not use it"))
            }
            Some(_) => None,
        },
    }
}

/// The rows of the table that is checked in: name, tests.
fn rows() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join(TABLE)).unwrap_or_default();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split("` | ");
        let name = cells.next()?.to_owned();
        let tests = cells.next()?.split("; ").filter(|test| !test.is_empty());
        Some((name, tests.map(str::to_owned).collect()))
    };
    text.lines().filter_map(row).collect()
}

/// The tests that fit a name best: they use it, their titles speak of it, and they use little else.
fn suggestions(name: &str, tests: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let lower = name.to_lowercase();
    let topics: Vec<_> = lower.split('_').filter(|word| word.len() > 2 && *word != "zmq").collect();
    let mut fitting: Vec<_> = tests
        .iter()
        .filter(|(title, words)| words.contains(name) && *title != VALUE_TEST)
        .map(|(title, words)| {
            let spoken = topics.iter().filter(|topic| title.contains(**topic)).count();
            let others = words.iter().filter(|word| word.starts_with("ZMQ_")).count();
            (std::cmp::Reverse(spoken), others, title.clone())
        })
        .collect();
    fitting.sort();
    let best = fitting.into_iter().take(SUGGESTIONS).map(|(_, _, title)| title);
    best.chain(is_option(name).then(|| GRID.to_owned())).collect()
}

#[test]
fn every_name_of_the_header_has_a_test() {
    let (tests, rows) = (tests(), rows());
    assert!(tests.len() > 300, "only {} tests were found", tests.len());
    let names = names();
    if std::env::var_os("ZMQ_WRITE_TABLE").is_some() {
        return write(&names, &rows, &tests);
    }
    let mut faults = Vec::new();
    for name in &names {
        match rows.get(name).map(Vec::as_slice) {
            None | Some([]) => faults.push(format!("{name}: no test")),
            Some(proofs) => faults.extend(proofs.iter().filter_map(|own| wrong(name, own, &tests))),
        }
    }
    let known: BTreeSet<_> = names.iter().collect();
    let stale = rows.keys().filter(|name| !known.contains(name));
    faults.extend(stale.map(|name| format!("{name}: not in the header")));
    assert!(faults.is_empty(), "{TABLE}:\n{}", faults.join("\n"));
}

fn write(
    names: &[String],
    rows: &BTreeMap<String, Vec<String>>,
    tests: &BTreeMap<String, BTreeSet<String>>,
) {
    let mut text = String::from(
        "What zmq.h declares, and the tests that prove it: file and name in this directory.\n\
         `tests/table.rs` checks that every name has a row, that no row is empty, and that the\n\
         tests use the name; how to write rows anew is said there. option_grid compares an option\n\
         with libzmq for every socket type and size; names that only stand for a value are\n\
         proved by the comparison of the headers.\n\n| name | tests |\n|---|---|\n",
    );
    for name in names {
        let mut proofs = rows.get(name).cloned().unwrap_or_default();
        proofs.retain(|own| wrong(name, own, tests).is_none());
        if proofs.is_empty() {
            proofs = suggestions(name, tests);
        }
        if proofs.is_empty() && VALUES.contains(&name.as_str()) {
            proofs.push(HEADER_TEST.to_owned());
        }
        text.push_str(&format!("| `{name}` | {} |\n", proofs.join("; ")));
    }
    fs::write(root().join(TABLE), text).unwrap();
}
