//! The pauses between the attempts to deliver a record.

use std::time::Duration;

/// The pause after the first attempt, the second, and so on; the last one from then on.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
];

/// The share by which a pause may be longer or shorter, so that what failed together is not repeated together.
const JITTER: f64 = 0.2;

/// The longest pause of all, jitter and a decider's wish included.
pub(crate) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The shortest pause that a decider can ask for. Each attempt costs a write, and the number of attempts is not
/// bounded.
const SHORTEST: Duration = Duration::from_secs(1);

/// The pause that a decider asked for, within bounds.
pub(crate) fn pushback(asked: Duration) -> Duration {
    asked.clamp(SHORTEST, LONGEST)
}

/// The pause after this many attempts, at least 1.
pub(crate) fn pause(attempts: u32) -> Duration {
    let index = (attempts.max(1) as usize - 1).min(PAUSES.len() - 1);
    PAUSES[index].mul_f64(1.0 - JITTER + 2.0 * JITTER * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest_and_differ() {
        for attempts in 1..20 {
            let [one, two] = [pause(attempts), pause(attempts)];
            assert_ne!(one, two);
            assert!(one < pause(attempts + 1).mul_f64(1.6), "{attempts}");
            assert!(one <= LONGEST);
        }
        assert!(pause(1) < Duration::from_secs(2) && pause(6) > Duration::from_secs(20 * 60));
    }
}
