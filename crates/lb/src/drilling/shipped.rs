//! The drills that `lb` brings along: those of `docs/drills`.

/// Name and text.
const SHIPPED: [(&str, &str); 7] = [
    ("a-server-dies", include_str!("../../../../docs/drills/a-server-dies.toml")),
    ("a-server-fails-now-and-then", include_str!("../../../../docs/drills/a-server-fails-now-and-then.toml")),
    ("a-server-flaps", include_str!("../../../../docs/drills/a-server-flaps.toml")),
    ("a-server-hangs", include_str!("../../../../docs/drills/a-server-hangs.toml")),
    ("a-server-is-slow", include_str!("../../../../docs/drills/a-server-is-slow.toml")),
    ("a-third-dies", include_str!("../../../../docs/drills/a-third-dies.toml")),
    ("all-servers-fail", include_str!("../../../../docs/drills/all-servers-fail.toml")),
];

/// Their names.
pub(crate) fn names() -> Vec<String> {
    SHIPPED.map(|(name, _)| name.to_owned()).to_vec()
}

/// The text of the one of that name.
pub(crate) fn text_of(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn all_drills_of_the_documents_are_shipped_and_well_formed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/drills");
        let files = std::fs::read_dir(folder).expect("the folder is there");
        let files = files.map(|file| file.expect("an entry").file_name().into_string().expect("text"));
        let mut files: Vec<_> = files.filter_map(|file| Some(file.strip_suffix(".toml")?.to_owned())).collect();
        files.sort();
        assert_eq!(files, names());
        for (name, text) in SHIPPED {
            config::parse_drill(name, text).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
}
