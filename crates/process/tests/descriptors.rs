//! The limit of file descriptors. One test, since its limits are those of the whole process.

use process::descriptors::{Shortage, raise};
use rlimit::Resource;

#[test]
fn the_soft_limit_is_raised_as_far_as_the_hard_limit_allows() {
    Resource::NOFILE.set(64, 128).expect("limits are lowered");
    assert_eq!(raise(32), Ok(()));
    assert_eq!(Resource::NOFILE.get_soft().expect("a limit"), 64, "it is never lowered");
    assert_eq!(raise(100), Ok(()));
    assert_eq!(Resource::NOFILE.get_soft().expect("a limit"), 100);
    assert_eq!(raise(1000), Err(Shortage { needed: 1000, available: 128 }));
    assert_eq!(Resource::NOFILE.get_soft().expect("a limit"), 128);
}
