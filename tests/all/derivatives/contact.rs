//! Distance, point and frame of every feature by both placements and sizes.

use costate::number::{Lanes, Mask, Real, Single, Tangent, Wide, dot_check};
use costate::physics::contact::{Feature, Place, Placed, PlacedCotangent, Touch, touch, touch_pullback};
use costate::spatial::{Mat3, Quat, Vec3};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::{Answer, Row};
use crate::ladder::collision::{self, Meeting};
use crate::ladder::convex;

/// Turn, shift and growth of both shapes.
const INPUTS: usize = 18;
/// Distance, point, frame.
const OUTPUTS: usize = 13;

/// The recorded meetings of all pairs of shapes.
fn meetings() -> Vec<Meeting> {
    [collision::meetings(), convex::meetings(), convex::flat_meetings()].into_iter().flatten().collect()
}

type Pair<R> = [Placed<'static, R>; 2];

fn three<R: Real>(x: &[R]) -> Vec3<R> {
    Vec3::new(x[0], x[1], x[2])
}

/// The shapes of a meeting, moved and grown.
fn moved<R: Real>(m: &Meeting, x: &[R]) -> Pair<R> {
    [0, 1].map(|k| {
        let (p, x) = (m.placed[k].map(R::from_f64), &x[9 * k..]);
        let rotation = Quat::exp(three(x)).to_matrix() * p.rotation;
        let (position, size) = (p.position + three(&x[3..]), p.size + three(&x[6..]));
        Placed { position, rotation, size, hull: p.hull }
    })
}

fn flat<R: Real>(t: Touch<R>) -> Vec<R> {
    let vectors = [t.point].into_iter().chain(t.frame);
    [t.distance].into_iter().chain(vectors.flat_map(Vec3::to_array)).collect()
}

fn cotangent<R: Real>(w: &[f64]) -> Touch<R> {
    let w: Vec<R> = w.iter().map(|x| R::from_f64(*x)).collect();
    Touch { distance: w[0], point: three(&w[1..]), frame: [4, 7, 10].map(|k| three(&w[k..])) }
}

fn pulled<R: Real>(feature: Feature, [a, b]: &Pair<R>, w: &[f64]) -> Vec<R> {
    let flat = |c: PlacedCotangent<R>| [c.wrench.torque, c.wrench.force, c.size].map(Vec3::to_array);
    touch_pullback(feature, a, b, &cotangent(w)).map(flat).concat().concat()
}

/// The dual of a function at rest against its central difference.
fn compare(dual: &[Single<f64>], plain: impl Fn(&[f64]) -> Vec<f64>, d: &[f64]) -> (Vec<f64>, f64, f64) {
    let exact: Vec<f64> = dual.iter().map(|y| y.derivative()).collect();
    let at = |h: f64| plain(&d.iter().map(|d| d * h).collect::<Vec<_>>());
    let central = |h: f64| at(h).iter().zip(at(-h)).map(|(a, b)| (a - b) / (2.0 * h)).collect::<Vec<_>>();
    let (coarse, fine) = (central(2e-4), central(1e-4));
    let largest = exact.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    let error = (0..exact.len()).map(|k| (exact[k] - (4.0 * fine[k] - coarse[k]) / 3.0).abs() / largest);
    let worst = error.fold(0.0, |m: f64, e| if e.is_nan() { f64::INFINITY } else { m.max(e) });
    (exact, worst, largest)
}

/// How far apart the centers of two balls are; the normal loses the digits that this has lost.
fn centers(m: &Meeting, feature: Feature) -> f64 {
    let [a, b] = &m.placed;
    let radii = match feature.place {
        Place::Axes(..) => a.size.x + b.size.x,
        Place::SphereBox(_) | Place::CapsuleBox(..) | Place::SphereRim(_) => a.size.x,
        _ => f64::INFINITY,
    };
    touch(feature, a, b).distance + radii
}

/// The questions for one feature: the formula and its pullback, and the pullback's own derivative. None
/// where a direction is hardly defined: there a difference is good for nothing.
fn ask(m: &Meeting, feature: Feature, random: &mut Pcg64) -> Option<Answer> {
    let mut draw = |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f64>>();
    let (d, w) = (draw(INPUTS), draw(OUTPUTS));
    let x: Vec<_> = d.iter().map(|d| Single::new(0.0, *d)).collect();
    let [a, b] = moved(m, &x);
    let formula = |x: &[f64]| {
        let [a, b] = moved(m, x);
        flat(touch(feature, &a, &b))
    };
    let (jd, first, slope) = compare(&flat(touch(feature, &a, &b)), formula, &d);
    if slope > 12.0 || centers(m, feature) < 0.01 {
        return None;
    }
    let back = |x: &[f64]| pulled(feature, &moved(m, x), &w);
    let (_, second, _) = compare(&pulled(feature, &moved(m, &x), &w), back, &d);
    let dot = dot_check(&w, &jd, &back(&[0.0; INPUTS]), &d).error;
    Some(Answer { difference: first.max(second), dot })
}

#[test]
fn a_wrong_sign_in_a_contact_is_seen() {
    let mut random = Pcg64::seed_from_u64(4);
    for m in meetings().iter().filter(|m| m.names == "box–box") {
        for feature in m.features() {
            let mut draw = |n: usize| (0..n).map(|_| random.random_range(0.5..1.0)).collect::<Vec<f64>>();
            let (d, w) = (draw(INPUTS), draw(OUTPUTS));
            let x: Vec<_> = d.iter().map(|d| Single::new(0.0, *d)).collect();
            let [a, b] = moved(m, &x);
            let jd: Vec<f64> = flat(touch(feature, &a, &b)).iter().map(|y| y.derivative()).collect();
            let mut back = pulled(feature, &m.placed, &w);
            let right = dot_check(&w, &jd, &back, &d).error;
            // The force on the first shape.
            back[4] = -back[4];
            let wrong = dot_check(&w, &jd, &back, &d).error;
            assert!(right < 1e-13 && (wrong > 1e-6 || back[4].abs() < 1e-3), "{right:e} {wrong:e}");
        }
    }
}

/// The worst answer of all recorded meetings of a pair.
fn ask_pair(names: &str) -> Answer {
    let mut random = Pcg64::seed_from_u64(3);
    let (mut worst, mut asked, mut all) = (Answer::default(), 0, 0);
    for m in meetings().iter().filter(|m| m.names == names) {
        for feature in m.features() {
            all += 1;
            if let Some(answer) = ask(m, feature, &mut random) {
                worst = worst.worse(answer);
                asked += 1;
            }
        }
    }
    assert!(2 * asked > all, "{names}: {asked} of {all}");
    worst
}

/// A row for every pair of shapes; the worst of them stands for the pullback.
pub fn rows() -> Vec<Row> {
    let mut pairs: Vec<String> = meetings().into_iter().map(|m| m.names).collect();
    pairs.dedup();
    let row = |names: String| {
        let names: &'static str = names.leak();
        let own: &'static str = format!("physics/contact/mod.rs::touch of {names}").leak();
        [own, "physics/contact/mod.rs::touch_pullback"].map(|name| Row::new(name, move || ask_pair(names)))
    };
    pairs.into_iter().flat_map(row).collect()
}

/// Eight placements in the lanes of one.
fn gather(worlds: &[Pair<f64>; 8]) -> Pair<Lanes> {
    [0, 1].map(|k| {
        let number = |f: &dyn Fn(&Placed<f64>) -> f64| Lanes::new(std::array::from_fn(|i| f(&worlds[i][k])));
        let vector = |f: &dyn Fn(&Placed<f64>) -> Vec3<f64>| {
            Vec3::new(number(&|p| f(p).x), number(&|p| f(p).y), number(&|p| f(p).z))
        };
        Placed {
            position: vector(&|p| p.position),
            rotation: Mat3::from_columns(
                vector(&|p| p.rotation.x),
                vector(&|p| p.rotation.y),
                vector(&|p| p.rotation.z),
            ),
            size: vector(&|p| p.size),
            hull: worlds[0][k].hull,
        }
    })
}

#[test]
fn a_feature_means_nothing_in_worlds_that_touch_elsewhere_but_stays_finite() {
    let all = meetings();
    let w: Vec<f64> = (0..OUTPUTS).map(|k| 0.3 + k as f64).collect();
    for (n, m) in all.iter().enumerate() {
        // The others of the same pair, one with both shapes in one place, one with equal axes side by side.
        let others = all.iter().filter(|o| o.names == m.names).cycle().skip(n);
        let mut worlds: Vec<_> = others.take(8).map(|o| o.placed).collect();
        worlds[0] = m.placed;
        let centered = m.placed.map(|p| Placed {
            position: Vec3::zero(),
            rotation: Mat3::identity(),
            size: Vec3::from_f64([0.1, 0.2, 0.1]),
            hull: p.hull,
        });
        worlds[3] = centered;
        worlds[5] = centered;
        worlds[5][1].position.x = 0.25;
        let worlds: [Pair<f64>; 8] = worlds.try_into().unwrap();
        let lanes = gather(&worlds);
        let wide = lanes.map(|p| p.map(Wide::constant));
        for feature in m.features() {
            let alone = pulled(feature, &m.placed, &w);
            for (lane, single) in pulled(feature, &lanes, &w).iter().zip(alone) {
                assert!(lane.is_finite().all(), "{} {n} {feature:?}: {lane:?}", m.names);
                assert_eq!(lane.lane(0).to_bits(), single.to_bits(), "{} {n} {feature:?}", m.names);
            }
            for y in flat(touch(feature, &wide[0], &wide[1])) {
                let tangents = (0..<Lanes as Real>::Tangents::WIDTH).map(|k| y.tangent.get(k));
                assert!(
                    tangents.chain([y.value]).all(|x| x.is_finite().all()),
                    "{} {n}: {feature:?}",
                    m.names
                );
            }
        }
    }
}
