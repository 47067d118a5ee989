//! Rung 17: general convex shapes, against MuJoCo's recorded contacts (`record_convex.py`).

use costate::physics::contact::touch;
use costate::spatial::Vec3;

use super::collision::{Meeting, read};

/// Every recorded meeting of general convex shapes, in general position.
pub fn meetings() -> Vec<Meeting> {
    read("convex")
}

/// How far apart the shapes of one pair are.
#[derive(Default)]
struct Found {
    poses: usize,
    /// Farther than 1e-5 in distance or twice that in the normal from MuJoCo's answer.
    worse: usize,
    distances: Vec<f64>,
    normals: Vec<f64>,
}

#[test]
fn two_convex_shapes_are_as_far_apart_as_mujoco_says() {
    let mut table: std::collections::BTreeMap<String, Found> = Default::default();
    for (k, m) in meetings().iter().enumerate() {
        let entry = table.entry(m.names.clone()).or_default();
        entry.poses += 1;
        let features = m.features();
        let theirs = &m.contacts[0];
        let Some(feature) = features.first() else {
            println!("{k} {}: nothing instead of {:?}", m.names, &theirs[..7]);
            entry.worse += 1;
            continue;
        };
        let ours = touch(*feature, &m.placed[0], &m.placed[1]);
        let error = (ours.distance - theirs[0]).abs();
        let turned = (ours.frame[0] - Vec3::new(theirs[4], theirs[5], theirs[6])).norm();
        entry.distances.push(error);
        entry.normals.push(turned);
        if !(error <= 1e-5 && turned <= 2e-5) {
            entry.worse += 1;
            println!("{k} {}: {error:.1e} {turned:.1e} {:?}", m.names, feature.place);
            println!("  ours   {:.9} {:.6?}\n  theirs {:.6?}", ours.distance, ours.frame[0], &theirs[..7]);
        }
    }
    for (names, found) in &mut table {
        let mut quantiles = |which: fn(&mut Found) -> &mut Vec<f64>| {
            let list = which(found);
            list.sort_by(f64::total_cmp);
            [0.5, 0.9, 1.0].map(|q| list[((list.len() - 1) as f64 * q) as usize])
        };
        let [d, n] = [quantiles(|f| &mut f.distances), quantiles(|f| &mut f.normals)]
            .map(|list| list.map(|x| format!("{x:7.1e}")).join(" "));
        println!("{names:20} {:3} poses, {:2} worse, dist {d} normal {n}", found.poses, found.worse);
    }
    assert!(table.values().all(|f| f.worse == 0));
}
