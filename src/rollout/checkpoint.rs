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

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a schedule and counts the forward steps outside of the pullbacks.
    fn play(steps: usize, slots: usize) -> usize {
        let mut kept = vec![None; slots];
        let (mut current, mut forward, mut next) = (0, 0, steps);
        for action in schedule(steps, slots) {
            match action {
                Action::Advance { from, to } => {
                    assert_eq!(current, from);
                    forward += to - from;
                    current = to;
                }
                Action::Keep { step, slot } => {
                    assert_eq!(current, step);
                    kept[slot] = Some(step);
                }
                Action::Take { step, slot } => {
                    assert_eq!(kept[slot], Some(step));
                    current = step;
                }
                Action::Reverse { step } => {
                    assert_eq!((current, step + 1), (step, next));
                    next = step;
                }
            }
        }
        assert_eq!(next, 0);
        forward
    }

    #[test]
    fn checkpoints_reverse_every_step_once_and_in_order() {
        for steps in 1..80 {
            for slots in 1..9 {
                play(steps, slots);
            }
        }
    }

    #[test]
    fn checkpoints_take_the_fewest_forward_steps() {
        // t(l, s) = r l − C(s + r, s + 1) with the least r for which C(s + r, s) ≥ l counts every
        // step forward, those done inside the pullbacks included.
        for (steps, slots, expected) in
            [(1000, 5, 6284), (1000, 10, 3636), (1000, 20, 2747), (2048, 16, 7052)]
        {
            assert_eq!(play(steps, slots), expected, "{steps} steps with {slots} slots");
        }
    }
}
