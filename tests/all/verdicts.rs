//! What a check and an optimization say of gradients that are off and of trials that failed.

use costate::cli::check::table::{Entry, Group};
use costate::cli::check::verdict::{advice, off};
use costate::error::Error;
use costate::optimize::{Progress, Trials};
use costate::rollout::Health;

fn group(name: &str, adjoint: f64, dual: f64, difference: f64) -> Group {
    let entry = Entry { name: "entry".to_owned(), adjoint, dual, difference: Some(difference) };
    Group::new(name.to_owned(), vec![entry])
}

fn health(growth: f64) -> Health {
    Health {
        steps: 100,
        growth,
        switches: Vec::new(),
        broken: None,
        jumps: false,
        missing: Vec::new(),
        refined: 0,
    }
}

#[test]
fn gradients_that_are_off_are_never_called_healthy() {
    let sound = group("joint", 1.0, 1.0, 1.0);
    assert_eq!(advice(std::slice::from_ref(&sound), &health(1.0), (0, None)), None);
    let kink = [sound.clone(), group("geom", 1.0, 1.0, 2.0), group("controls", 3.0, 3.0, 1.0)];
    let said = advice(&kink, &health(1.0), (0, None)).unwrap();
    for words in ["distrust", "\"geom\" and \"controls\"", "differences do not", "--seed 1"] {
        assert!(said.contains(words), "{words} is not in: {said}");
    }
    let lonely = [group("geom", 1.0, 1.0, f64::NAN)];
    let said = advice(&lonely, &health(1.0), (0, Some(&Error::Unsolved { step: 7 }))).unwrap();
    assert!(said.contains("a rollout nearby failed") && said.contains("step 7"), "{said}");
    let wrong = [sound, group("geom", 1.0, 2.0, 1.0)];
    let said = advice(&wrong, &health(1.0), (4, None)).unwrap();
    assert!(said.contains("by \"geom\": adjoint and dual differ") && said.contains("--seed 5"), "{said}");
    assert_eq!(off(&wrong), ["geom"]);
}

#[test]
fn a_gradient_that_grows_too_much_is_told_before_another_seed_is_tried() {
    let said = advice(&[group("geom", 1.0, 1.0, 2.0)], &health(2.0), (0, None)).unwrap();
    assert!(said.contains("choose a shorter horizon or a smaller step; then run again"), "{said}");
}

#[test]
fn failed_trials_are_counted_by_reason_and_a_stop_after_them_says_so() {
    let mut seen = Vec::new();
    let mut watch = |p: &Progress| seen.push(p.failed_trials);
    let trials = Trials::new(0, &mut watch);
    trials.show(Progress::default());
    let unsolved = |step| Err::<(), _>(Error::Unsolved { step });
    let diverged = || {
        let (quantity, remedy) = ("the cost".to_owned(), "go slower".to_owned());
        Err::<(), _>(Error::Diverged { step: 2, quantity, remedy })
    };
    trials.begin(1);
    assert!(trials.counted(unsolved(3)).is_err() && trials.counted(Ok(())).is_ok());
    trials.begin(2);
    assert_eq!(trials.explain("enough".to_owned()), "enough");
    let worlds = Error::Worlds(vec![(5, Error::Unsolved { step: 4 })]);
    let _ = (trials.counted(Err::<(), _>(worlds)), trials.counted(diverged()));
    let stop = trials.explain("enough".to_owned());
    assert!(stop.starts_with("enough; 2 of the last 2 trials failed because the search"), "{stop}");
    let all = trials.all();
    drop(trials);
    let counts: Vec<_> = all.reasons.iter().map(|r| (r.count, r.iteration)).collect();
    assert_eq!((all.count(), all.tried, counts), (3, 4, vec![(2, 1), (1, 2)]));
    assert!(all.tell().unwrap().contains("step 3"), "{:?}", all.tell());
    assert_eq!(seen, [0, 1, 2, 3]);
}
