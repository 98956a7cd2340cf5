//! Rate limits, in this instance's memory only: nothing about a client is written anywhere.
//!
//! A host that runs several instances has a limit per instance.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;

/// Most clients that are told apart. About 32 bytes each.
const MAX_CLIENTS: usize = 4_096;

/// A bucket that refills with time and holds two seconds' worth, as much as a burst of tabs needs.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at_ms: u64,
}

impl Bucket {
    fn full(per_second: u32, now_ms: u64) -> Self {
        Self {
            tokens: capacity(per_second),
            at_ms: now_ms,
        }
    }

    fn refill(&mut self, per_second: u32, now_ms: u64) {
        // A clock that steps back refills nothing.
        let passed = now_ms.saturating_sub(self.at_ms) as f64 / 1_000.0;
        self.tokens = (self.tokens + passed * f64::from(per_second)).min(capacity(per_second));
        self.at_ms = now_ms;
    }

    fn take(&mut self) -> bool {
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

fn capacity(per_second: u32) -> f64 {
    f64::from(per_second) * 2.0
}

/// The limits of all clients and of the site.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Keyed anew in every instance, so that a client cannot aim at another's bucket.
    hasher: RandomState,
    clients: HashMap<u64, Bucket>,
    site: Option<Bucket>,
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            clients: HashMap::new(),
            site: None,
        }
    }

    /// Whether one more beacon of this client may pass.
    pub(crate) fn admit(
        &mut self,
        client: Option<IpAddr>,
        per_client: u32,
        per_site: u32,
        now_ms: u64,
    ) -> bool {
        if let Some(address) = client
            && !self.client_may(address, per_client, now_ms)
        {
            return false;
        }
        let site = self
            .site
            .get_or_insert_with(|| Bucket::full(per_site, now_ms));
        site.refill(per_site, now_ms);
        site.take()
    }

    fn client_may(&mut self, address: IpAddr, per_second: u32, now_ms: u64) -> bool {
        let key = self.hasher.hash_one(network(address));
        if !self.clients.contains_key(&key) && self.clients.len() >= MAX_CLIENTS {
            // Who has been quiet long enough to be full again is as good as unknown.
            self.clients.retain(|_, bucket| {
                bucket.refill(per_second, now_ms);
                bucket.tokens < capacity(per_second)
            });
            if self.clients.len() >= MAX_CLIENTS {
                // Too many at once to tell apart: the site's limit alone holds for the newcomers.
                return true;
            }
        }
        let bucket = self
            .clients
            .entry(key)
            .or_insert_with(|| Bucket::full(per_second, now_ms));
        bucket.refill(per_second, now_ms);
        bucket.take()
    }
}

/// The part of an address that stands for one client: a household has a /64 to itself.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address) >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)));

    #[test]
    fn a_client_gets_two_seconds_worth_at_once_and_then_its_rate() {
        let mut limits = Limits::new();
        let admitted = (0..50)
            .filter(|_| limits.admit(HOME, 10, 1_000, 5_000))
            .count();
        assert_eq!(admitted, 20);
        assert!(!limits.admit(HOME, 10, 1_000, 5_099));
        assert!(limits.admit(HOME, 10, 1_000, 5_100));
        assert!(
            !limits.admit(HOME, 10, 1_000, 4_000),
            "a clock that steps back"
        );
    }

    #[test]
    fn clients_do_not_share_a_limit_but_addresses_of_one_household_do() {
        let mut limits = Limits::new();
        let address = |text: &str| Some(text.parse().unwrap());
        assert!(limits.admit(address("2001:db8::1"), 1, 1_000, 0));
        assert!(limits.admit(address("2001:db8::2"), 1, 1_000, 0));
        assert!(!limits.admit(address("2001:db8::3"), 1, 1_000, 0));
        assert!(limits.admit(address("2001:db8:0:1::3"), 1, 1_000, 0));
    }

    #[test]
    fn the_site_has_a_limit_over_all_clients() {
        let mut limits = Limits::new();
        let admitted = (0..100_u8)
            .filter(|n| limits.admit(Some(IpAddr::from([10, 0, 0, *n])), 10, 30, 0))
            .count();
        assert_eq!(admitted, 60);
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory() {
        let mut limits = Limits::new();
        for n in 0..20_000_u32 {
            limits.admit(Some(IpAddr::from(n.to_be_bytes())), 10, 100_000, 0);
        }
        assert_eq!(limits.clients.len(), MAX_CLIENTS);
        limits.admit(HOME, 10, 100_000, 60_000);
        assert_eq!(limits.clients.len(), 1, "the quiet ones are forgotten");
    }
}
