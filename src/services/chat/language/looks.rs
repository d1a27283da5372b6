//! What a text looks like: the skeletons of Unicode's UTS 39, for texts that can be names.

use unicode_normalization::UnicodeNormalization;

include!(concat!(env!("OUT_DIR"), "/looks.rs"));

/// Two texts with the same skeleton look alike.
pub(super) fn skeleton(text: &str) -> impl Iterator<Item = char> {
    text.nfd().flat_map(prototype).nfd()
}

fn prototype(c: char) -> impl Iterator<Item = char> {
    let found = LOOKS.binary_search_by_key(&c, |&(c, ..)| c).ok().map(|at| LOOKS[at]);
    let text = found.map(|(_, place, length)| &TEXTS[place.into()..usize::from(place) + usize::from(length)]);
    let itself = if text.is_none() { Some(c) } else { None };
    text.unwrap_or_default().chars().chain(itself)
}

#[cfg(test)]
mod tests {
    use unicode_security::GeneralSecurityProfile;

    #[test]
    fn skeletons_are_those_of_unicode_for_every_character_that_a_name_can_have() {
        let mut count = 0;
        for c in ('\0'..=char::MAX).filter(|c| c.identifier_allowed()) {
            let text = format!("{c}a{c}\u{301}");
            assert!(super::skeleton(&text).eq(unicode_security::skeleton(&text)), "{text}");
            count += 1;
        }
        assert!(count > 30_000, "{count}");
    }
}
