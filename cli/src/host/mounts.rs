//! `files`: what a component may read, laid out in the state directory as the component sees it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::manifest::Mount;

/// Lays out the files of one component. The result is what to open, and where in the guest.
pub(crate) fn prepare(
    mounts: &[Mount],
    manifest_dir: &Path,
    target: &Path,
) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut opened = Vec::new();
    let mut globs = false;
    for mount in mounts {
        match mount {
            Mount::Directory {
                source,
                destination,
            } => {
                let source = manifest_dir.join(source);
                anyhow::ensure!(
                    source.is_dir(),
                    "files: {} is not a directory",
                    source.display()
                );
                opened.push((source, destination.clone()));
            }
            Mount::Glob(pattern) => {
                if !globs {
                    // Files that are no longer named must not stay behind.
                    let _ = std::fs::remove_dir_all(target);
                    globs = true;
                }
                copy(pattern, manifest_dir, target)?;
            }
        }
    }
    if globs {
        anyhow::ensure!(
            opened.iter().all(|(_, destination)| destination != "/"),
            "files: a pattern and a directory both claim `/`"
        );
        opened.push((target.to_owned(), "/".to_owned()));
    }
    Ok(opened)
}

fn copy(pattern: &str, manifest_dir: &Path, target: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(target)
        .with_context(|| format!("cannot create {}", target.display()))?;
    let root = glob::Pattern::escape(&manifest_dir.to_string_lossy());
    let full = if root.is_empty() {
        pattern.to_owned()
    } else {
        format!("{root}/{pattern}")
    };
    for entry in glob::glob(&full).with_context(|| format!("files: {pattern}"))? {
        let path = entry?;
        if !path.is_file() {
            continue;
        }
        let relative = path.strip_prefix(manifest_dir).unwrap_or(&path);
        let copy = target.join(relative);
        if let Some(parent) = copy.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(&path, &copy).with_context(|| format!("cannot copy {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_mounts_the_files_that_match_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("assets/deep")).unwrap();
        std::fs::write(dir.path().join("assets/a.txt"), "a").unwrap();
        std::fs::write(dir.path().join("assets/deep/b.txt"), "b").unwrap();
        std::fs::write(dir.path().join("secret"), "s").unwrap();
        let target = dir.path().join("state/mounts/x");
        let opened = prepare(
            &[Mount::Glob("assets/**/*.txt".into())],
            dir.path(),
            &target,
        )
        .unwrap();
        assert_eq!(opened, [(target.clone(), "/".to_owned())]);
        assert!(target.join("assets/a.txt").is_file());
        assert!(target.join("assets/deep/b.txt").is_file());
        assert!(!target.join("secret").exists());
    }

    #[test]
    fn a_directory_that_does_not_exist_is_named() {
        let mount = Mount::Directory {
            source: "nowhere".into(),
            destination: "/x".into(),
        };
        let error = prepare(&[mount], Path::new("/tmp"), Path::new("/tmp/t")).unwrap_err();
        assert!(error.to_string().contains("nowhere"));
    }
}
