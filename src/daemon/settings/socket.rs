//! Socket options of every listener.

use std::time::Duration;

use super::values::{Size, Switch, keepalive_count, keepalive_seconds, whole};
use crate::net::socket::{Keepalive, Options};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct SocketArgs {
    /// Bind while connections of an earlier run are in TIME_WAIT
    #[arg(long, default_value = "on")]
    reuse_address: Switch,
    /// Let several processes share a port
    #[arg(long, default_value = "off")]
    reuse_port: Switch,
    /// Connections that may wait to be accepted
    #[arg(long, value_name = "N", default_value_t = Options::server().backlog, value_parser = whole::<u32>)]
    backlog: u32,
    /// Send small segments at once
    #[arg(long, default_value = "on")]
    nodelay: Switch,
    /// Probe silent connections
    #[arg(long, default_value = "on")]
    keepalive: Switch,
    /// Seconds of silence before the first probe
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = keepalive_seconds)]
    keepalive_idle: u64,
    /// Seconds between probes
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = keepalive_seconds)]
    keepalive_interval: u64,
    /// Unanswered probes that end a connection
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = keepalive_count)]
    keepalive_count: u32,
    /// Bytes of the receive buffer, or `kernel` to have it tuned there
    #[arg(long, value_name = "BYTES", default_value = "65536")]
    receive_buffer: Size,
    /// Bytes of the send buffer, or `kernel`
    #[arg(long, value_name = "BYTES", default_value = "65536")]
    send_buffer: Size,
    /// Connections that may bring data with their first segment and wait; 0 is off
    #[arg(long, value_name = "N", default_value_t = Options::server().fast_open, value_parser = whole::<u32>)]
    fast_open: u32,
    /// Milliseconds that sent data may stay unacknowledged; 0 leaves it to the kernel
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0, value_parser = whole::<u32>)]
    user_timeout: u32,
}

impl SocketArgs {
    pub(super) fn options(&self) -> Options {
        let keepalive = Keepalive {
            idle: Duration::from_secs(self.keepalive_idle),
            interval: Duration::from_secs(self.keepalive_interval),
            count: self.keepalive_count,
        };
        Options {
            reuse_address: self.reuse_address == Switch::On,
            reuse_port: self.reuse_port == Switch::On,
            backlog: self.backlog,
            nodelay: self.nodelay == Switch::On,
            keepalive: (self.keepalive == Switch::On).then_some(keepalive),
            receive_buffer: self.receive_buffer.0,
            send_buffer: self.send_buffer.0,
            fast_open: self.fast_open,
            user_timeout: (self.user_timeout > 0).then(|| Duration::from_millis(self.user_timeout.into())),
        }
    }
}
