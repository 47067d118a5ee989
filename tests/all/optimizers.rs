//! Methods by themselves, on functions whose minimum is known.

mod ilqr;

use costate::Error;
use costate::optimize::{
    Adam, AdamSettings, Cmaes, CmaesSettings, Coordinate, Descent, DescentSettings, GradientDescent, Lbfgs,
    Point, Schedule, Tensor, Variable,
};

/// A coordinate that is the variable itself, within bounds.
const fn within(lower: f64, upper: f64) -> Coordinate {
    Coordinate::Linear { origin: 0.0, scale: 1.0, lower, upper }
}

const BOUNDED: Coordinate = within(-1.0, 9.0);
const FREE: Coordinate = within(f64::NEG_INFINITY, f64::INFINITY);

/// What a method keeps under a name.
fn kept<'a>(saved: &'a [Tensor], name: &str) -> &'a [f64] {
    &saved.iter().find(|tensor| tensor.name == name).unwrap().data
}

#[test]
fn schedules_begin_with_the_whole_rate_and_end_with_what_they_leave() {
    let all = [
        (Schedule::Constant, 1.0, 1.0),
        (Schedule::Cosine { decay: 0.2, steps: 10 }, 0.6, 0.2),
        (Schedule::Exponential { decay: 0.25, steps: 10 }, 0.5, 0.25),
    ];
    for (schedule, middle, end) in all {
        for (t, expected) in [(0.0, 1.0), (5.0, middle), (10.0, end), (25.0, end)] {
            let share = schedule.share(t);
            assert!((share - expected).abs() < 1e-15, "{schedule:?} at {t}: {share} is not {expected}");
        }
    }
}

#[test]
fn coordinates_keep_bounds_and_state_their_slope() {
    let inf = f64::INFINITY;
    for (lower, upper) in [(-inf, inf), (0.0, inf), (-inf, 2.0), (-1.0, 2.0)] {
        let v = Variable { name: String::new(), unit: "", start: 0.7, lower, upper, scale: 0.3 };
        for smooth in [true, false] {
            let c = Coordinate::new(&v, smooth);
            assert!((c.value(c.of(0.7)) - 0.7).abs() < 1e-15);
            for x in [-3.0, -0.2, 0.0, 1.4, 20.0] {
                let p = c.value(c.projected(x));
                assert!(p >= lower - 1e-15 && p <= upper + 1e-15, "{c:?} at {x}");
            }
            let (x, h) = (0.4, 1e-5);
            let difference = (c.value(x + h) - c.value(x - h)) / (2.0 * h);
            assert!((difference - c.slope(x)).abs() < 1e-9);
        }
    }
}

/// `(x − 3)² + 10 (y + 2)²`.
fn oval(x: &[f64], g: &mut [f64]) -> Result<f64, Error> {
    let [a, b] = [x[0] - 3.0, x[1] + 2.0];
    g.copy_from_slice(&[2.0 * a, 20.0 * b]);
    Ok(a * a + 10.0 * b * b)
}

fn descended(settings: DescentSettings, steps: usize) -> Vec<Vec<f64>> {
    let start = Point::at(vec![0.0, 0.0], &mut oval).unwrap();
    let coordinates = [BOUNDED; 2];
    let mut descent = GradientDescent::new(settings, &coordinates, vec![1.0; 2], start);
    let mut way = vec![descent.point().x.clone()];
    for _ in 0..steps {
        assert_eq!(descent.advance(&mut oval).unwrap(), None);
        way.push(descent.point().x.clone());
    }
    way
}

#[test]
fn descent_finds_the_nearest_point_within_the_bounds() {
    for momentum in [0.0, 0.8] {
        let settings = DescentSettings { rate: 0.05, momentum, ..DescentSettings::default() };
        let way = descended(settings, 300);
        let last = &way[300];
        assert!((last[0] - 3.0).abs() < 1e-9 && last[1] == -1.0, "momentum {momentum}: {last:?}");
    }
}

#[test]
fn normalized_steps_have_the_length_of_the_scheduled_rate() {
    let schedule = Schedule::Exponential { decay: 0.01, steps: 10 };
    let settings = DescentSettings { rate: 0.1, normalize: true, schedule, ..DescentSettings::default() };
    let way = descended(settings, 3);
    for (k, pair) in way.windows(2).enumerate() {
        let length = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]);
        let expected = 0.1 * schedule.share(k as f64);
        assert!((length - expected).abs() < 1e-15, "step {k} is {length} long and not {expected}");
    }
}

/// `(x − 3)²` and `(y + 2)²`, with a divergence beyond `x = wall`.
fn walled(wall: f64) -> impl FnMut(&[f64], &mut [f64]) -> Result<f64, Error> {
    move |x, g| {
        let [a, b] = [x[0] - 3.0, x[1] + 2.0];
        g.copy_from_slice(&[2.0 * a, 2.0 * b]);
        let diverged =
            || Error::Diverged { step: 1, quantity: "x".to_owned(), remedy: "go slower".to_owned() };
        if x[0] < wall { Ok(a * a + b * b) } else { Err(diverged()) }
    }
}

#[test]
fn adam_finds_the_nearest_point_within_the_bounds() {
    let mut f = walled(f64::INFINITY);
    let start = Point::at(vec![0.0, 0.0], &mut f).unwrap();
    let coordinates = [BOUNDED; 2];
    let settings = AdamSettings { rate: 0.1, clip: Some(1.0), ..AdamSettings::default() };
    let mut adam = Adam::new(settings, &coordinates, vec![1.0; 2], start);
    for _ in 0..500 {
        assert_eq!(adam.advance(&mut f).unwrap(), None);
    }
    assert!((adam.point().x[0] - 3.0).abs() < 1e-3);
    assert_eq!(adam.point().x[1], -1.0);
}

#[test]
fn a_divergence_halves_the_step_and_in_the_end_stops() {
    let mut f = walled(2.0);
    let start = Point::at(vec![0.0, 0.0], &mut f).unwrap();
    let coordinates = [BOUNDED; 2];
    let settings = AdamSettings { rate: 1.0, ..AdamSettings::default() };
    let mut adam = Adam::new(settings, &coordinates, vec![1.0; 2], start);
    for _ in 0..50 {
        assert_eq!(adam.advance(&mut f).unwrap(), None);
    }
    // What divergence has left of the learning rate.
    let caution = kept(&adam.save(), "adam.progress")[1];
    assert!(caution < 1.0 && adam.point().x[0] < 2.0, "{:?}", adam.point());
    let stop = adam.advance(&mut walled(-1.0)).unwrap().expect("everything diverges");
    assert!(stop.contains("halved 8 times"), "{stop}");
}

/// The valley of Rosenbrock (1960), with a divergence where `y` is below −0.2.
fn bent_valley(x: &[f64], g: &mut [f64]) -> Result<f64, Error> {
    let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
    g.copy_from_slice(&[-2.0 * a - 400.0 * x[0] * b, 200.0 * b]);
    if x[1] < -0.2 {
        return Err(Error::Diverged { step: 1, quantity: "y".to_owned(), remedy: String::new() });
    }
    Ok(a * a + 100.0 * b * b)
}

#[test]
fn l_bfgs_finds_the_end_of_a_bent_valley_past_divergences() {
    let coordinates = [FREE; 2];
    let start = Point::at(vec![-1.2, 1.0], &mut bent_valley).unwrap();
    let mut lbfgs = Lbfgs::new(5, &coordinates, start);
    let stopped = (1..200).find(|_| lbfgs.advance(&mut bent_valley).unwrap().is_some());
    assert!(stopped.is_some_and(|k| k < 100), "it stops: {stopped:?}");
    assert!(lbfgs.point().x.iter().all(|x| (x - 1.0).abs() < 1e-6), "{:?}", lbfgs.point());
}

/// A bowl a hundred times longer than wide, turned by 45 degrees, that asks for no gradient.
fn bowl(x: &[f64], _: &mut [f64]) -> Result<f64, Error> {
    let (a, b) = (x[0] + x[1] - 3.0, x[0] - x[1] + 1.0);
    Ok(a * a + 1e-4 * b * b)
}

#[test]
fn a_population_finds_the_bottom_of_a_long_bowl_and_goes_on_from_where_it_was() {
    let coordinates = [FREE; 2];
    let start = Point { x: vec![0.0; 2], cost: 9.0, gradient: vec![0.0; 2] };
    let settings = CmaesSettings { step: 0.3, population: None };
    let new = || Cmaes::new(settings, &coordinates, start.clone(), 1).unwrap();
    let mut whole = new();
    let mut saved = Vec::new();
    for k in 0..150 {
        if k == 40 {
            saved = whole.save();
        }
        whole.advance(&mut bowl).unwrap();
    }
    assert!(whole.point().cost < 1e-9, "{:?}", whole.point());
    let mut resumed = new();
    resumed.restore(&saved).unwrap();
    for _ in 40..150 {
        resumed.advance(&mut bowl).unwrap();
    }
    assert_eq!(kept(&whole.save(), "cma.mean"), kept(&resumed.save(), "cma.mean"));
}
