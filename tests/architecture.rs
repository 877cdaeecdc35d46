//! Keeps the map of ARCHITECTURE.md true: which room uses which, and that no two files use each
//! other, directly or through others, where `unsafe` is, and that its files exist; and keeps names away
//! that were retired.
//!
//! A file uses another one where a path in it (in a `use` or anywhere else) leads to an item that the
//! other one declares; a re-export leads on to what it names. A module and those inside of it are one
//! unit: what passes between them is not checked. Tests may use what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// The path of a module or of an item: `["io", "reactor"]` is `src/io/reactor.rs`.
type Names = Vec<String>;

/// What a file has that matters here.
#[derive(Default)]
struct Source {
    /// Paths in it, from the root of the crate.
    paths: Vec<Names>,
    /// What it re-exports under which name.
    exports: BTreeMap<String, Names>,
}

#[test]
fn rooms_use_only_what_the_table_of_architecture_allows() {
    let allowed = table();
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let crate_sources = sources();
    let edges = edges(&crate_sources);
    for (file, used) in &edges {
        let Some(room) = file.first() else { continue };
        let others = used.iter().filter_map(|other| other.first()).filter(|other| *other != room);
        found.entry(room).or_default().extend(others.map(String::as_str));
    }
    let mut wrong = Vec::new();
    for (room, used) in &found {
        let Some(allowed) = allowed.get(*room) else {
            wrong.push(format!("`{room}` is not in the table"));
            continue;
        };
        wrong.extend(
            used.iter()
                .filter(|other| !allowed.contains(**other))
                .map(|other| format!("`{room}` uses `{other}`, which the table does not allow")),
        );
        wrong.extend(
            allowed.iter().filter(|other| !used.contains(other.as_str())).map(|other| {
                format!("`{room}` does not use `{other}` any more, as the table has it")
            }),
        );
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md, Rooms:\n{}", wrong.join("\n"));
}

/// `unsafe` is an error of the compiler (Cargo.toml) but for what allows it.
#[test]
fn files_that_allow_unsafe_are_those_that_the_table_of_architecture_lists() {
    let mut allowed = BTreeSet::new();
    for [names, _, _, files] in rows() {
        for name in in_backticks(&names) {
            let inside = in_backticks(&files).into_iter().map(|file| format!("{name}/{file}"));
            allowed.extend(inside.chain((files == "yes").then(|| format!("{name}/mod.rs"))));
        }
    }
    let mut files = Vec::new();
    list(&root().join("src"), &mut files);
    files.retain(|file| {
        let file = syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap();
        let mut finder = AllowsUnsafe(false);
        finder.visit_file(&file);
        finder.0
    });
    let name = |file: PathBuf| file.strip_prefix(root()).unwrap().display().to_string();
    assert_eq!(files.into_iter().map(name).collect::<BTreeSet<_>>(), allowed, "(left: in src)");
}

struct AllowsUnsafe(bool);

impl<'ast> Visit<'ast> for AllowsUnsafe {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta
            && !["forbid", "deny"].iter().any(|level| list.path.is_ident(level))
        {
            // `cfg_attr` may allow it too.
            self.0 |= list.tokens.to_string().contains("unsafe_code");
        }
    }
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let sources = sources();
    let edges = edges(&sources);
    let mut cycles = Vec::new();
    for file in edges.keys() {
        // Each cycle is reported once, from its first file on.
        if let Some(way) = way_back(&edges, file)
            && way.iter().all(|other| file <= other)
        {
            let names: Vec<_> = way.iter().map(|file| file.join("/")).collect();
            cycles.push(format!("{} -> {}", names.join(" -> "), names[0]));
        }
    }
    assert!(cycles.is_empty(), "files that use each other:\n{}", cycles.join("\n"));
}

/// Names that were replaced by the field's own words, and by which.
const RETIRED: &[(&str, &str)] = &[
    ("Admission", "ZapReply"),
    ("Alarm", "WakeTimer"),
    ("Answered", "ZapReply"),
    ("Attendant", "BackgroundHandler"),
    ("Awaited", "WaitSet"),
    ("CallGuard", "SpinGuard"),
    ("CallMutex", "SpinMutex"),
    ("Core", "SocketCore"),
    ("Crowd", "PollGroup"),
    ("Directly", "DirectSend"),
    ("Driver", "ReactorGuard"),
    ("Errand", "BlockingTask"),
    ("Found", "QueueState"),
    ("GIVE_WAY", "EVICT"),
    ("Life", "Lifecycle"),
    ("Link", "SessionLink"),
    ("Loss", "DisconnectReason"),
    ("MAX_LOAD", "MAX_QUEUED_BYTES"),
    ("Negotiation", "Socks5Handshake"),
    ("Onlooker", "BlockedCaller"),
    ("Outlook", "ReadyCache"),
    ("Patience", "SpinPolicy"),
    ("Refusal", "Socks5Error"),
    ("SocketEnd", "PipeEventSink"),
    ("SocketOwner", "SocketHost"),
    ("Speaker", "MonitorSocket"),
    ("Stage", "State"),
    ("TOLD_APART", "MAX_TRACKED_SOCKETS"),
    ("Turns", "RoundRobin"),
    ("UNLOADING", "MAX_DRAIN"),
    ("Unloading", "DrainBackoff"),
    ("Verdict", "ZapStatus"),
    ("Visit", "ZapRequest"),
    ("Watched", "WaitSource"),
    ("Workers", "BlockingPool"),
    ("call_at_once", "wake_io_thread_now"),
    ("call_promptly", "wake_io_thread_within"),
    ("give_up_references", "drop_slow"),
    ("give_way", "evict"),
    ("has_rung", "take_expired"),
    ("heard", "handle_input"),
    ("is_foreign", "is_user_owned"),
    ("judge", "apply_zap_reply"),
    ("limit_silence", "handle_ping"),
    ("look_on", "block_on"),
    ("look_time", "spin_budget"),
    ("made_up_id", "generate_routing_id"),
    ("pattern_of", "new_pattern"),
    ("retract", "rollback"),
    ("shake", "drive_handshake"),
    ("sleep_on", "poll_fds"),
    ("sleep_or_end", "arm_or_terminate"),
    ("take_back", "from_raw"),
    ("to_the_brim", "filled_buffer"),
    ("told_of_the_end", "term_reported"),
    ("unload", "drain_overloaded"),
    ("usual_absence", "avg_gap"),
    ("usual_sleep", "avg_sleep"),
    ("wait_to_be_called", "park"),
];

#[test]
fn files_that_the_documents_name_are_there() {
    let mut files = Vec::new();
    ["src", "tests", "fuzz/src"].iter().for_each(|place| list(&root().join(place), &mut files));
    let mut missing = Vec::new();
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/design.md", "docs/glossary.md"] {
        let text = fs::read_to_string(root().join(document)).unwrap();
        // The code of a block is no name; a name may end in another line than it begins.
        let names = in_backticks(&text.replace("```", ""));
        let names = names.into_iter().filter(|name| name.ends_with(".rs"));
        let lost = names.filter(|name| !files.iter().any(|file| file.ends_with(name)));
        missing.extend(lost.map(|name| format!("{document}: {name}")));
    }
    assert!(missing.is_empty(), "files that are not there:\n{}", missing.join("\n"));
}

/// Unit tests of FILE.rs are at its end, or in FILE/tests.rs (CONTRIBUTING.md).
#[test]
fn unit_tests_are_beside_what_they_test() {
    let mut files = Vec::new();
    list(&root().join("src"), &mut files);
    let mut faults = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        let sibling = stem.strip_suffix("_tests").map(|stem| file.with_file_name(stem));
        let is_misnamed = sibling.is_some_and(|sibling| sibling.with_extension("rs").exists());
        let first = text.lines().position(|line| line.trim() == "#[test]");
        let module = text.lines().position(|line| {
            line.starts_with("mod tests {") || line.starts_with("mod loom_tests {")
        });
        let is_outside = first.is_some_and(|first| module.is_none_or(|module| first < module));
        if is_misnamed || is_outside && !is_test_file(&file) || text.contains("#[path") {
            faults.push(file.display().to_string());
        }
    }
    assert!(faults.is_empty(), "unit tests of their own kind:\n{}", faults.join("\n"));
}

#[test]
fn retired_names_do_not_come_back() {
    struct Names {
        found: BTreeMap<String, &'static str>,
    }
    impl<'ast> Visit<'ast> for Names {
        fn visit_ident(&mut self, name: &'ast syn::Ident) {
            let name = name.to_string();
            if let Some((_, new)) = RETIRED.iter().find(|(old, _)| name == *old) {
                self.found.insert(name, new);
            }
        }
    }
    let mut files = Vec::new();
    list(&root().join("src"), &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let mut names = Names { found: BTreeMap::new() };
        names.visit_file(&syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap());
        wrong.extend(
            names.found.iter().map(|(old, new)| format!("{}: {old} is {new}", file.display())),
        );
    }
    assert!(wrong.is_empty(), "retired names, and what they are called now:\n{}", wrong.join("\n"));
}

/// A shortest way from a file through others back to it.
fn way_back(edges: &BTreeMap<Names, BTreeSet<Names>>, from: &Names) -> Option<Vec<Names>> {
    let mut ways = vec![vec![from.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| edges.get(last)).into_iter().flatten() {
                if next == from {
                    return Some(way);
                }
                if seen.insert(next) {
                    longer.push([&way[..], std::slice::from_ref(next)].concat());
                }
            }
        }
        ways = longer;
    }
    None
}

/// The files that each file uses.
fn edges(sources: &BTreeMap<Names, Source>) -> BTreeMap<Names, BTreeSet<Names>> {
    let is_inside = |one: &Names, other: &Names| one.starts_with(other) || other.starts_with(one);
    sources
        .iter()
        .map(|(file, source)| {
            let used = source.paths.iter().filter_map(|path| file_of(sources, path, 0));
            (file.clone(), used.filter(|used| !is_inside(used, file)).collect())
        })
        .collect()
}

/// The file that declares what a path names.
fn file_of(sources: &BTreeMap<Names, Source>, path: &[String], depth: usize) -> Option<Names> {
    let length = (0..=path.len()).rev().find(|length| sources.contains_key(&path[..*length]))?;
    let (file, rest) = path.split_at(length);
    let exported = rest.first().and_then(|name| sources[file].exports.get(name));
    match exported {
        // A re-export of a re-export; not for ever.
        Some(to) if depth < 8 && to != path => {
            let further = [to, &rest[1..]].concat();
            file_of(sources, &further, depth + 1)
        }
        _ => Some(file.to_vec()),
    }
}

/// The column "uses" of the table of rooms.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let mut rooms = BTreeMap::new();
    for [names, _, uses, _] in rows() {
        for name in in_backticks(&names) {
            let room = name.trim_start_matches("src/").trim_end_matches(".rs").to_owned();
            rooms.insert(room, in_backticks(&uses).into_iter().collect());
        }
    }
    rooms
}

/// The rows of the table of rooms.
fn rows() -> Vec<[String; 4]> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("| `src/"))
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
            let [_, names, holds, uses, unsafe_files, _] = <[_; 6]>::try_from(cells)
                .unwrap_or_else(|_| panic!("a row has four columns: {row}"));
            [names, holds, uses, unsafe_files]
        })
        .collect();
    assert!(rows.len() > 10, "the table was not found");
    rows
}

fn in_backticks(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `src`, without their tests.
fn sources() -> BTreeMap<Names, Source> {
    let src = root().join("src");
    let mut files = Vec::new();
    list(&src, &mut files);
    files.retain(|file| !is_test_file(file));
    let modules: BTreeMap<Names, PathBuf> =
        files.into_iter().map(|file| (module_of(file.strip_prefix(&src).unwrap()), file)).collect();
    let known: BTreeSet<Names> = modules.keys().cloned().collect();
    modules
        .into_iter()
        .map(|(module, file)| {
            let text = fs::read_to_string(&file).unwrap();
            let parsed = syn::parse_file(&text).unwrap();
            let mut reader =
                Reader { module: module.clone(), known: &known, source: Source::default() };
            reader.visit_file(&parsed);
            (module, reader.source)
        })
        .collect()
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn is_test_file(file: &Path) -> bool {
    file.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"))
}

/// The module of a file below `src`.
fn module_of(file: &Path) -> Names {
    let name = file.with_extension("");
    let names = name.iter().map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name != "mod" && name != "lib").collect()
}

/// Collects the paths of a file.
struct Reader<'a> {
    module: Names,
    known: &'a BTreeSet<Names>,
    source: Source,
}

impl Reader<'_> {
    /// A path from the root of the crate, where it leads into it.
    fn absolute(&self, path: &[String]) -> Option<Names> {
        let first = path.first()?;
        let (mut base, mut rest) = (self.module.clone(), path);
        match first.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            _ => {
                base.push(first.clone());
                let is_module = self.known.contains(&base);
                base.pop();
                if !is_module {
                    return None;
                }
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    fn read_use(&mut self, tree: &UseTree, before: &Names, is_public: bool) {
        let with = |name: String| [&before[..], &[name]].concat();
        match tree {
            UseTree::Path(path) => {
                self.read_use(&path.tree, &with(path.ident.to_string()), is_public);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.read_use(tree, before, is_public));
            }
            UseTree::Glob(_) => self.add(before, None),
            UseTree::Name(name) if name.ident == "self" => self.add(before, None),
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.add(&with(name.clone()), is_public.then_some(name));
            }
            UseTree::Rename(rename) => {
                let exported = is_public.then(|| rename.rename.to_string());
                self.add(&with(rename.ident.to_string()), exported);
            }
        }
    }

    fn add(&mut self, path: &[String], exported: Option<String>) {
        if let Some(path) = self.absolute(path) {
            match exported {
                // Who uses the name uses the file behind it; this one does not.
                Some(name) => {
                    self.source.exports.insert(name, path);
                }
                None => self.source.paths.push(path),
            }
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        self.read_use(&item.tree, &Names::new(), is_public);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.add(&names, None);
        }
        visit::visit_path(self, path);
    }

    // `pub(in crate::session)` is no use of it.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]` and `#[cfg(all(test, ...))]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    let tokens = match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string(),
        _ => return false,
    };
    tokens.split(|letter: char| !letter.is_alphanumeric()).any(|word| word == "test")
        && !tokens.replace(' ', "").contains("not(test)")
}
