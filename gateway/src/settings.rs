//! The gateway's settings: a TOML file, over it the environment, over both the command line. Every mistake is reported
//! at once.

mod checks;
mod file;
mod flags;
mod layers;
mod resolved;
mod sources;
pub mod summary;
mod values;

pub use self::file::File;
pub use self::flags::Flags;
pub use self::resolved::Settings;
pub use self::sources::Sources;
pub use self::values::DeciderName;
