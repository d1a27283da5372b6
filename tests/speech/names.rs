//! What people and rooms may be called, and which names are too much alike.

use std::collections::{HashMap, HashSet};

use parlor::services::chat::{Alphabet, MAX_NAME, Name, Roll};
use proptest::prelude::*;
use unicode_security::skeleton;

fn name(word: &str) -> Name {
    Name::new(word, Alphabet::OneScript).unwrap_or_else(|complaint| panic!("{word:?}: {}", complaint.text))
}

fn is_refused(word: &str) -> bool {
    Name::new(word, Alphabet::OneScript).is_err()
}

/// Can't both be had?
fn clash(one: &str, other: &str) -> bool {
    let mut roll = Roll::default();
    roll.claim(&name(one), 1).expect("nobody else has one");
    roll.claim(&name(other), 2) == Err(1)
}

#[test]
fn names_of_many_scripts_are_allowed_and_shown_as_they_were_given() {
    let latin =
        ["alice", "Al1ce", "a", "_", "-", "7", "x-y_z", "Jürgen", "Straße", "İstanbul", "Đặng", "œuvre", "ẹ\u{300}"];
    let others =
        ["Ёлка", "Сара", "Νίκος", "ΟΔΥΣΣΕΥΣ", "עברית", "العربية", "हिन्दी", "தமிழ்", "ไทย", "မြို့", "Հայ", "ქართული"];
    let asian = ["中文", "漢字かな交じり", "ラーメン", "ひらがな", "カタカナ", "日々", "한국어", "韓國사람", "李-7"];
    for word in latin.iter().chain(&others).chain(&asian) {
        assert_eq!(name(word).as_str(), *word);
        assert_eq!(name(word).to_string(), *word);
    }
}

#[test]
fn other_characters_are_refused() {
    let ascii =
        ["", " ", "a b", "a.b", "a/b", "#a", "@a", "a:b", "<a>", "a\tb", "a\rb", "a\nb", "a\0b", "a\u{7f}", "'", "|"];
    let unseen = [
        "a\u{200b}b",
        "a\u{200d}b",
        "a\u{202e}b",
        "a\u{ad}b",
        "a\u{feff}",
        "\u{3164}",
        "a\u{2066}",
        "a\u{85}",
        "a\u{e0041}",
    ];
    let forms = ["Ａｌｉｃｅ", "𝐀lice", "ﬁ", "①", "ａ", "ª", "²", "Ⅷ", "ⓐ", "😀", "a·b", "ー・", "a‐b"];
    for word in ascii.iter().chain(&unseen).chain(&forms) {
        assert!(is_refused(word), "{word:?}");
    }
}

#[test]
fn scripts_are_not_mixed() {
    for word in ["аlice", "alicе", "Аlice", "pаypal", "αlpha", "李Bob", "한かな", "aش", "Сapa", "1٣a"] {
        assert!(is_refused(word), "{word:?}");
    }
}

#[test]
fn marks_stand_on_letters_and_do_not_pile_up() {
    assert_eq!(name("e\u{301}").as_str(), "é");
    assert_eq!(name("A\u{30a}ngstro\u{308}m").as_str(), "Ångström");
    for word in
        ["\u{301}a", "1\u{301}", "-\u{301}", "x\u{301}\u{300}", "e\u{301}\u{301}", "_\u{308}x", "a\u{20dd}", "a\u{334}"]
    {
        assert!(is_refused(word), "{word:?}");
    }
    assert!(is_refused(&format!("z{}", "\u{304}\u{323}".repeat(8))));
    for dotted in ["ali\u{307}", "j\u{307}o", "al\u{307}"] {
        assert!(is_refused(dotted), "{dotted:?} can't be told from one without the dot");
    }
    assert!(is_refused("कििि"));
}

#[test]
fn length_is_counted_in_characters_as_they_are_shown() {
    for letter in ["a", "é", "漢", "Ж", "e\u{301}"] {
        assert!(!is_refused(&letter.repeat(MAX_NAME)), "{letter}");
        assert!(is_refused(&letter.repeat(MAX_NAME + 1)), "{letter}");
    }
    let complaint = Name::new(&"漢".repeat(20_000), Alphabet::OneScript).expect_err("it is far too long");
    assert_eq!(complaint.text, "a name has 1 to 32 characters, this one has 20000");
    assert!(is_refused(&format!("a{}", "\u{301}".repeat(20_000))));
}

#[test]
fn case_does_not_matter_for_sameness() {
    let pairs = [
        ("alice", "ALICE"),
        ("Jürgen", "JÜRGEN"),
        ("Straße", "STRASSE"),
        ("straẞe", "strasse"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ёлка", "ЁЛКА"),
        ("Հայ", "ՀԱՅ"),
        ("İzmir", "izmir"),
        ("ısı", "ISI"),
        ("ÞÓR", "þór"),
    ];
    for (one, other) in pairs {
        assert_eq!(name(one).key(), name(other).key(), "{one} {other}");
        assert!(clash(one, other));
    }
}

#[test]
fn no_letter_changes_its_key_with_its_case() {
    for c in '\0'..=char::MAX {
        let word = c.to_string();
        let Ok(one) = Name::new(&word, Alphabet::OneScript) else { continue };
        for other in [word.to_lowercase(), word.to_uppercase()] {
            if let Ok(other) = Name::new(&other, Alphabet::OneScript) {
                assert_eq!(one.key(), other.key(), "{one} {other}");
            }
        }
    }
}

#[test]
fn letters_with_one_skeleton_never_stand_side_by_side() {
    let mut looks: HashMap<String, String> = HashMap::new();
    let mut letters = 0;
    for c in '\0'..=char::MAX {
        let word = c.to_string();
        let Ok(one) = Name::new(&word, Alphabet::OneScript) else { continue };
        letters += 1;
        let look = looks.entry(skeleton(&word).collect()).or_insert_with(|| one.look().to_owned());
        assert_eq!(look, one.look(), "{one}");
    }
    assert!(letters > 30_000, "only {letters} letters");
}

#[test]
fn names_that_look_alike_cannot_both_be_had() {
    let pairs = [
        ("al1ce", "alIce"),
        ("al1ce", "allce"),
        ("alice", "aIice"),
        ("rnain", "main"),
        ("MAIN", "rnain"),
        ("b0b", "bob"),
        ("B0B", "bOb"),
        ("guest10", "guestlO"),
        ("Сара", "Capa"),
        ("Сара", "capa"),
        ("ВОТ", "BOT"),
        ("вот", "ВОТ"),
        ("аре", "ape"),
        ("νν", "vv"),
        ("ΝΝ", "NN"),
        ("œuf", "oeuf"),
        ("ο", "o"),
        ("ο", "о"),
        ("カ", "力"),
        ("é", "e\u{301}"),
        ("гау", "ray"),
    ];
    for (one, other) in pairs {
        assert!(clash(one, other), "{one} {other}");
        assert!(clash(other, one), "{other} {one}");
    }
}

#[test]
fn names_that_differ_to_the_eye_can_both_be_had() {
    let pairs = [
        ("alice", "alicia"),
        ("v", "n"),
        ("r", "y"),
        ("νίκος", "ντίνος"),
        ("вот", "bot"),
        ("Jürgen", "Jurgen"),
        ("é", "è"),
        ("a-b", "a_b"),
        ("中", "口"),
        ("か", "が"),
        ("가", "나"),
        ("5", "S"),
        ("cl", "d"),
        ("vv", "w"),
    ];
    for (one, other) in pairs {
        assert!(!clash(one, other), "{one} {other}");
    }
}

/// The rule for ASCII, said in another way.
fn folded(word: &str) -> String {
    let skeleton: String = skeleton(word).collect();
    skeleton.to_lowercase().replace(['i', '1'], "l").replace('0', "o").replace('m', "rn")
}

#[test]
fn in_ascii_one_key_says_both_and_is_the_folded_skeleton() {
    let letters: Vec<char> = (' '..='~').filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    for one in &letters {
        for two in letters.iter().map(|c| format!("{one}{c}")).chain([one.to_string()]) {
            assert_eq!(name(&two).key(), folded(&two), "{two}");
            assert_eq!(name(&two).look(), name(&two).key(), "{two}");
        }
    }
}

#[test]
fn guests_are_never_taken_for_each_other() {
    let mut keys = HashSet::new();
    for number in 1..=99_999 {
        let guest = name(&format!("guest{number}"));
        assert_eq!(guest.look(), guest.key());
        assert!(keys.insert(guest.key().to_owned()), "{guest}");
    }
}

#[test]
fn the_ascii_alphabet_refuses_all_others() {
    for word in ["Jürgen", "Сара", "中文", "\u{212a}elvin"] {
        assert!(Name::new(word, Alphabet::Ascii).is_err(), "{word}");
    }
    assert!(Name::new("Alice_7-x", Alphabet::Ascii).is_ok());
}

#[test]
fn a_roll_gives_and_takes_names() {
    let mut roll = Roll::default();
    let (alice, loud, bob) = (name("alice"), name("ALICE"), name("bob"));
    assert_eq!(roll.find(&alice), None);
    assert_eq!(roll.claim(&alice, 1), Ok(()));
    assert_eq!((roll.find(&loud), roll.rival(&loud, 2), roll.rival(&loud, 1)), (Some(1), Some(1), None));
    assert_eq!(roll.claim(&loud, 2), Err(1));
    assert_eq!(roll.rename(&alice, &loud, 1), Ok(()));
    assert_eq!(roll.find(&alice), Some(1));
    assert_eq!(roll.claim(&bob, 2), Ok(()));
    assert_eq!(roll.rename(&bob, &alice, 2), Err(1));
    assert_eq!(roll.find(&bob), Some(2));
    roll.release(&loud, 2);
    assert_eq!(roll.find(&alice), Some(1));
    roll.release(&alice, 1);
    assert_eq!(roll.find(&alice), None);
}

#[test]
fn a_roll_forgets_the_look_of_a_name_with_the_name() {
    let mut roll = Roll::default();
    let (cyrillic, latin) = (name("Сара"), name("capa"));
    assert_eq!(roll.claim(&cyrillic, 1), Ok(()));
    assert_eq!(roll.claim(&latin, 2), Err(1));
    assert_eq!(roll.rename(&cyrillic, &name("Вера"), 1), Ok(()));
    assert_eq!(roll.claim(&latin, 2), Ok(()));
    assert_eq!(roll.rename(&name("Вера"), &cyrillic, 1), Err(2));
}

proptest! {
    #[test]
    fn random_ascii_names_have_the_folded_skeleton_as_key(word in "[A-Za-z0-9_-]{1,32}") {
        let one = name(&word);
        prop_assert_eq!(one.key(), folded(&word));
        prop_assert_eq!(one.look(), one.key());
    }

    #[test]
    fn no_word_makes_names_panic_and_every_name_is_its_own_name(word in "\\PC{0,40}") {
        if let Ok(one) = Name::new(&word, Alphabet::OneScript) {
            let again = name(one.as_str());
            prop_assert_eq!((one.as_str(), one.key(), one.look()), (again.as_str(), again.key(), again.look()));
            prop_assert!((1..=MAX_NAME).contains(&one.as_str().chars().count()));
        }
    }
}
