//! Bans and locks on their way to the disk.

use std::fs;
use std::time::Duration;

use parlor::hub::JOBS;
use parlor::services::accounts::Accounts;
use parlor::services::chat::{Chat, Guard, Rules, Settings};
use tempfile::TempDir;

use crate::house::House;
use crate::support::accounts::accounts;

#[test]
fn a_ban_for_which_no_helper_was_free_is_kept_a_little_later() {
    let folder = TempDir::new().unwrap();
    let (people, kept) = (folder.path().join("accounts"), folder.path().join("house-rules"));
    fs::write(&people, accounts()).unwrap();
    let accounts = Some(Accounts::open(&people).unwrap());
    let guard = Guard { accounts, rules: Rules::open(&kept).unwrap(), ..Guard::default() };
    let mut house = House::of(Chat::new(Settings { flood: None, ..Settings::default() }, None).guarded(guard));
    let (oscar, bob) = (house.guest(), house.guest());
    house.says(oscar, "/login oscar oscar's password");
    while house.work() {}
    assert_eq!(house.lines(oscar), ["- you are oscar, an operator"]);
    house.sends(bob, &"/info\n".repeat(JOBS));
    house.says(oscar, "/ban 192.0.2.7");
    while house.work() {}
    assert!(!kept.exists());
    house.pass(Duration::from_secs(1));
    while house.work() {}
    assert!(fs::read_to_string(&kept).unwrap().contains("192.0.2.7/32"));
}
