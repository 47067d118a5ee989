//! Where to keep states when not all of them fit: binomial checkpoints.

/// One action of the sweep backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go forward from step `from` to step `to`, remembering nothing.
    Advance { from: usize, to: usize },
    /// Keep the current state of step `step` in `slot`.
    Keep { step: usize, slot: usize },
    /// Take the state of step `step` from `slot`.
    Take { step: usize, slot: usize },
    /// Do step `step` and its pullback; the current state is its start.
    Reverse { step: usize },
}

/// The largest number of steps that `slots` kept states reverse when no step is repeated more than
/// `repeats` times: `C(slots + repeats, slots)` (Griewank and Walther 2000).
fn reach(slots: usize, repeats: usize) -> usize {
    (1..=slots).fold(1usize, |c, k| (c.saturating_mul(repeats + k)) / k)
}

/// The actions that reverse `steps` steps with at most `slots` kept states, the start included, with
/// the fewest forward steps (algorithm revolve, Griewank and Walther 2000).
pub fn schedule(steps: usize, slots: usize) -> Vec<Action> {
    let mut actions = Vec::new();
    if steps > 0 {
        actions.push(Action::Keep { step: 0, slot: 0 });
        reverse(0, steps, 0, slots.max(1), &mut actions);
    }
    actions
}

/// Reverses the steps `from..to`; the state of `from` is current and in `slot`.
fn reverse(from: usize, to: usize, slot: usize, slots: usize, out: &mut Vec<Action>) {
    let length = to - from;
    if length == 1 {
        out.push(Action::Reverse { step: from });
        return;
    }
    let free = slots - slot - 1;
    if free == 0 {
        // Only the start is kept: every step needs the way from there.
        for step in (from..to).rev() {
            if step + 1 < to {
                out.push(Action::Take { step: from, slot });
            }
            if step > from {
                out.push(Action::Advance { from, to: step });
            }
            out.push(Action::Reverse { step });
        }
        return;
    }
    let middle = from + split(length, free + 1);
    out.push(Action::Advance { from, to: middle });
    out.push(Action::Keep { step: middle, slot: slot + 1 });
    reverse(middle, to, slot + 1, slots, out);
    out.push(Action::Take { step: from, slot });
    reverse(from, middle, slot, slots, out);
}

/// How far from the start the next state is kept, of `length` steps with `slots` slots, the start's
/// included.
fn split(length: usize, slots: usize) -> usize {
    let repeats = (1..).find(|&r| reach(slots, r) >= length).expect("the reach grows without bound");
    // Leave at most what the remaining slots reverse with as many repeats; keep the rest short.
    let right = reach(slots - 1, repeats).min(length - 1);
    let least_left = length - right;
    let left = least_left.max(
        reach(slots, repeats - 1).min(length - 1).min(length - reach(slots - 1, repeats - 1).min(length - 1)),
    );
    left.clamp(1, length - 1)
}
