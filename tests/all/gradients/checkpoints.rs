//! Where states are kept when not all of them fit.

use costate::rollout::checkpoint::{Action, schedule};

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
    for (steps, slots, expected) in [(1000, 5, 6284), (1000, 10, 3636), (1000, 20, 2747), (2048, 16, 7052)] {
        assert_eq!(play(steps, slots), expected, "{steps} steps with {slots} slots");
    }
}
