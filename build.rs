//! What makes the program small: a table written here, and a word to the linker.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, skeleton};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    write_looks();
    if relocations_can_be_packed().unwrap_or(false) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The list of addresses that are adjusted when the program starts takes a twentieth of the room in its newer form, which
/// glibc has read since 2.36. A program that is built for another machine stays with the older form.
fn relocations_can_be_packed() -> Option<bool> {
    let target = env::var("TARGET").ok().filter(|target| target.ends_with("linux-gnu"))?;
    let asked = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let version = String::from_utf8(asked.stdout).ok()?;
    let (major, minor) = version.trim().strip_prefix("glibc ")?.split_once('.')?;
    let version: (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    Some(version >= (2, 36) && env::var("HOST").ok()? == target)
}

/// Which characters look like which, as Unicode's UTS 39 has it, in a tenth of the room of the package's table: without a
/// pointer for each character, and without those that no name can have.
fn write_looks() {
    let allowed = ('\0'..=char::MAX).filter(|c| c.identifier_allowed());
    // What is looked up has been taken apart before.
    let parts: BTreeSet<char> = allowed.flat_map(|c| std::iter::once(c).nfd()).collect();
    let (mut entries, mut texts, mut places) = (String::new(), String::new(), BTreeMap::new());
    let mut count = 0;
    for part in parts {
        let looks: String = skeleton(part.encode_utf8(&mut [0; 4])).collect();
        if looks.chars().eq([part]) {
            continue;
        }
        let place = *places.entry(looks.clone()).or_insert_with(|| {
            texts.push_str(&looks);
            texts.len() - looks.len()
        });
        let (place, length) = (u16::try_from(place).expect("few"), u8::try_from(looks.len()).expect("short"));
        writeln!(entries, "    ({part:?}, {place}, {length}),").expect("a string takes everything");
        count += 1;
    }
    let table = format!(
        "/// A character, and where what it looks like stands in `TEXTS`: from where on, and how many bytes.\n\
         static LOOKS: [(char, u16, u8); {count}] = [\n{entries}];\nstatic TEXTS: &str = \"{}\";\n",
        texts.escape_unicode()
    );
    let folder = env::var_os("OUT_DIR").expect("cargo names a folder");
    fs::write(Path::new(&folder).join("looks.rs"), table).expect("the folder takes a file");
}
