//! The faults there are.

mod clocks;
mod forgetful;
mod network;
mod nothing;
mod process;
mod refusals;
mod roles;

use std::time::Duration;

use super::stage::{Fault, Onset};

pub use clocks::CLOCK_STEPPED_BACK;
pub use forgetful::{ANOTHER_SERVER, LAGGING_REPLICA, RESTORED};
pub use network::{
    CONNECTION_REFUSED, CUT_REPLIES, GARBAGE, NAME_UNRESOLVED, NARROW_NETWORK, SLOW_NETWORK,
};
pub use nothing::NOTHING;
pub use process::{HUNG, KILLED, LOADING};
pub use refusals::{
    CERTIFICATE_EXPIRED, COMMAND_FORBIDDEN, FULL, NO_CLIENTS, PASSWORD_CHANGED, PASSWORD_SET,
    SCRIPTS_FORBIDDEN,
};
pub use roles::{DEMOTED, FAILED_OVER};

impl Fault {
    /// How long a caller waits for the holder of a lease, by default: `wait`.
    const LEASE: Duration = Duration::from_secs(5);

    /// What most faults are like.
    pub(super) const USUAL: Self = Self {
        name: "",
        onset: Onset::Later,
        lasts: Duration::from_secs(3),
        opens: true,
        reason: None,
        waits: Duration::ZERO,
        stage: |_| unreachable!("each fault has a stage of its own"),
    };

    /// Returns the rows of the table.
    pub fn all() -> Vec<Self> {
        vec![
            NOTHING,
            CONNECTION_REFUSED,
            NAME_UNRESOLVED,
            HUNG,
            KILLED,
            RESTORED,
            LOADING,
            SLOW_NETWORK,
            NARROW_NETWORK,
            CUT_REPLIES,
            GARBAGE,
            DEMOTED,
            FAILED_OVER,
            LAGGING_REPLICA,
            ANOTHER_SERVER,
            FULL,
            PASSWORD_CHANGED,
            PASSWORD_SET,
            CERTIFICATE_EXPIRED,
            NO_CLIENTS,
            COMMAND_FORBIDDEN,
            SCRIPTS_FORBIDDEN,
            CLOCK_STEPPED_BACK,
        ]
    }
}
